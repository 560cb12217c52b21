"""The kinds of values that options have: each a parser, and the words for what it expects."""

from __future__ import annotations

import re
from typing import Any, Callable

from attrs import frozen

from vcycle.core.config import values

LEAST_MOMENT = 1_000_000_000  # in 2001: a smaller number was meant as a duration

_WORDS = {"yes": True, "true": True, "no": False, "false": False}


@frozen(kw_only=True)
class Kind:
    """``parse`` raises ValueError for what is not ``wanted``; ``unit`` is for documentation."""

    wanted: str
    parse: Callable[[str], Any]
    unit: str = ""


class TooGreat(ValueError):
    """A number of the right form, over the bound that ``most`` gives."""

    def __init__(self, most: float) -> None:
        super().__init__(most)
        self.most = most


def _matching(pattern: str, wanted: str, fold: bool = False, unit: str = "") -> Kind:
    whole = re.compile(pattern, re.ASCII)

    def parse(text: str) -> str:
        text = text.lower() if fold else text
        if whole.fullmatch(text) is None:
            raise ValueError(text)
        return text

    return Kind(wanted=wanted, parse=parse, unit=unit)


def _whole(wanted: str, least: int = 0, most: int = 10**9, unit: str = "") -> Kind:
    def parse(text: str) -> int:
        if re.fullmatch(r"\d{1,4000}", text, re.ASCII) is None or int(text) < least:
            raise ValueError(text)
        if int(text) > most:
            raise TooGreat(most)
        return int(text)

    return Kind(wanted=wanted, parse=parse, unit=unit)


def _number(
    wanted: str, least: float = 0, most: float = 1e9, unit: str = "", above: bool = False
) -> Kind:
    """``above``: more than ``least``, not just as much."""

    def parse(text: str) -> float:
        if re.fullmatch(r"-?(\d{1,300}(\.\d{0,300})?|\.\d{1,300})", text, re.ASCII) is None:
            raise ValueError(text)
        number = float(text)
        if number < least or (above and number == least):
            raise ValueError(text)
        if number > most:
            raise TooGreat(most)
        return number

    return Kind(wanted=wanted, parse=parse, unit=unit)


def _words(wanted: str) -> Kind:
    def parse(text: str) -> bool:
        if text.lower() not in _WORDS:
            raise ValueError(text)
        return _WORDS[text.lower()]

    return Kind(wanted=wanted, parse=parse)


SPACE = _matching(
    values.HOST, "letters, digits, '-' and '.', such as vcycle01.example.com", fold=True
)
MACHINETYPE = _matching(values.MACHINETYPE, "lower-case letters, digits and '-', at most 64")

KINDS: dict[str, Kind] = {
    "space": SPACE,
    "host": _matching(
        values.HOST, "letters, digits, '-' and '.', such as factory1.example.com", fold=True
    ),
    "hosts": Kind(wanted="host names with blanks between them", parse=values.hosts),
    "receivers": Kind(
        wanted=f"HOST:PORT with blanks between them, at most {values.MAX_RECEIVERS}",
        parse=values.receivers,
    ),
    "path": _matching(r"/[^\x00-\x1f\x7f]{0,1000}", "an absolute path"),
    "file": Kind(
        wanted="an absolute path, or the name of a file below machinetypes/NAME/files",
        parse=values.reference,
    ),
    "seconds": _whole("whole seconds, 0 or more", unit="seconds"),
    "lifetime": _whole("whole seconds, 1 or more", least=1, unit="seconds"),
    "interval": _number("seconds, 1 to 3600", least=1, most=3600, unit="seconds"),
    "wait": _number("seconds, 0.1 to 60", least=0.1, most=60, unit="seconds"),
    "moment": _whole(
        "a moment in Unix seconds, such as 1767225600 (date +%s)",
        least=LEAST_MOMENT,
        most=9_999_999_999,
        unit="Unix seconds",
    ),
    "count": _whole("a whole number, 0 or more", most=1_000_000),
    "positive": _whole("a whole number, 1 or more", least=1, most=1_000_000),
    "memory": _whole("whole MiB, 1 or more", least=1, unit="MiB"),
    "gigabytes": _number("gigabytes, 0 or more", most=1_000_000, unit="GB (10^9 bytes)"),
    "days": _number("days; 0 or less keeps them for ever", least=-1e6, most=1e6, unit="days"),
    "share": _number("a number, 0 or more"),
    "hs06": _number("a number above 0", most=1e6, unit="HS06", above=True),
    "ratio": _number("a number above 0", most=1e6, above=True),
    "sha256": _matching(r"[0-9a-f]{64}", "64 hexadecimal digits, as sha256sum prints", fold=True),
    "expression": Kind(
        wanted="a regular expression of at most 500 characters, with few and no nested repetitions,"
        " such as"
        r" .*/CN=cvm-sign0[12]\.cern\.ch",
        parse=values.expression,
    ),
    "delivery": Kind(
        wanted="metadata, nocloud or configdrive, or metadata and one of the others",
        parse=values.delivery,
    ),
    "shares": Kind(
        wanted="TAG:/DIRECTORY or TAG:/DIRECTORY:rw with blanks between them, at most"
        f" {values.MAX_SHARES}",
        parse=values.shares,
    ),
    "sharing": Kind(wanted="auto, virtiofs, 9p or nfs", parse=values.sharing),
    "squids": Kind(wanted="a machinetype, or NAME:PORT", parse=values.squids),
    "volumegroup": _matching(
        r"[0-9A-Za-z_+][0-9A-Za-z_+.-]{0,62}", "the name of a volume group, such as vcycle"
    ),
    "url": Kind(
        wanted="an address such as https://pipes.example.com/exvo.pipe, without a password in it",
        parse=values.url,
    ),
    "proxy": _matching(
        r"(http://)?[0-9A-Za-z.-]{1,253}:[0-9]{1,5}/?", "an HTTP proxy, http://HOST:PORT"
    ),
    "port": _whole("a port number, 0 to 65535", most=65535),
    "yesno": _words("yes or no"),
    "truefalse": _words("true or false"),
    "text": Kind(wanted=f"text of at most {values.MAX_TEXT} characters", parse=values.text),
    "line": Kind(wanted="at most 1000 characters", parse=values.line),
    "arguments": _matching(r"[ -~]{0,1000}", "at most 1000 printable ASCII characters"),
    "model": Kind(wanted="cernvm3, cernvm4, vm-raw or vm-direct", parse=values.model),
    "group": _matching(r"[!-~]{1,250}", "one word of printable ASCII characters"),
    "fqan": _matching(r"[!-~]{1,250}", "an FQAN such as /exvo/Role=NULL, or a VO's name"),
    "site": _matching(r"[0-9A-Za-z._-]{1,100}", "a name of letters, digits, '.', '_' and '-'"),
    "device": _matching(r"[a-z][0-9a-z]{0,15}", "a device name such as vda"),
    "interface": _matching(r"[0-9A-Za-z._-]{1,15}", "a network interface such as eth0"),
    "address": Kind(wanted="an IP address, or nothing for all", parse=values.address),
    "network": Kind(
        wanted="a private IPv4 network of 16 addresses or more, such as 169.254.0.0/16",
        parse=values.network,
    ),
    "networks": Kind(
        wanted="networks such as 192.0.2.0/24 with blanks between them, whose last bits are 0",
        parse=values.networks,
    ),
    "libvirt": _matching(
        r"(qemu|test)(\+[a-z0-9]{1,20})?://[!-~]{1,1000}",
        "a libvirt URI of the qemu or test driver, such as qemu:///system",
    ),
    "heartbeat": _matching(
        r"[0-9A-Za-z_-][0-9A-Za-z._-]{0,63}",
        "a file name of letters, digits, '.', '_' and '-', at most 64, not starting with '.'",
    ),
}
