"""What a document may say of a machinetype: a list of options, and for each what it may be."""

from __future__ import annotations

import math
import re
from typing import Callable

from attrs import frozen

from vcycle.core.config.kinds import TooGreat
from vcycle.core.config.options import Option, Status, find, named
from vcycle.core.config.sheet import kind_of
from vcycle.core.config.syntax import shown
from vcycle.core.pipes.urls import check_url

ALLOWED = frozenset(
    (
        *("accounting_fqan", "backoff_seconds", "disk_gb_per_processor", "fizzle_seconds"),
        *("heartbeat_file", "heartbeat_seconds", "image_signing_dn", "legacy_proxy"),
        *("machine_model", "max_processors", "max_wallclock_seconds", "min_processors"),
        *("min_wallclock_seconds", "root_device", "root_image", "root_image_sha256"),
        *("scratch_device", "target_share", "user_data", "user_data_delivery", "user_data_proxy"),
    )
)
PREFIXES = ("user_data_option_", "user_data_file_")
CONTAINERS = ("docker", "singularity")

_OPTION = re.compile(r"[0-9a-z_]{1,120}", re.ASCII)
_NAME = re.compile(r"[0-9A-Za-z_][0-9A-Za-z._+-]{0,199}", re.ASCII)
_NAME_WANTED = "the name of a file, of letters, digits, '.', '_', '+' and '-'"


class Refused(ValueError):
    """A machinetype with this option is not made; the text says why."""


class Ignored(ValueError):
    """The option has no effect; the text says why."""


@frozen
class Judged:
    """An option by its name in this version, and its text, which its kind parses."""

    option: str
    text: str


def judge(name: str, value: object) -> Judged:
    """
    What an option of a document means.

    :raises Refused: no machinetype can be made with it.
    :raises Ignored: it says nothing to us.
    """
    option = _option(name)
    text = _text(value)
    if option == "machine_model" and text.lower() in CONTAINERS:
        raise Refused(f"{text.lower()} is for containers, which are not supported")
    wanted = kind_of(option).wanted
    if option in ("root_image", "user_data"):
        wanted = f"an address that begins with https://, or {_NAME_WANTED}"
    elif option.startswith("user_data_file_"):
        wanted = _NAME_WANTED
    try:
        _check(option, text)
    except TooGreat as error:
        raise Refused(f"expected at most {error.most:.0f}") from error
    except Refused:
        raise
    except ValueError as error:
        raise Refused(f"expected {wanted}") from error
    return Judged(option, text)


def meant(name: str) -> str:
    """An option's name in this version, whether or not it is good for anything."""
    try:
        return _option(name)
    except (Refused, Ignored):
        return name


def _option(name: str) -> str:
    """The option's name in this version."""
    if _OPTION.fullmatch(name) is None:
        raise Ignored("no such option")
    row = find("machinetype", name)
    if row is not None and row.status in (Status.ALIAS, Status.SYNONYM) and row.detail in ALLOWED:
        return row.detail
    if row is not None and _is_allowed(row, name):
        return name
    if row is not None and row.status is Status.UNSUPPORTED:
        raise Ignored(f"it is for {row.detail}")
    if any(other.status is Status.ACTIVE for other in named(name)):
        raise Refused("only this factory's own configuration may set it")
    raise Ignored("no such option for machinetypes of a pipe")


def _is_allowed(row: Option, name: str) -> bool:
    if row.status is not Status.ACTIVE:
        return False
    return name in ALLOWED or any(name.startswith(p) and name != p for p in PREFIXES)


def _text(value: object) -> str:
    """As it would be written in a configuration file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value) or abs(value) > 1e15:
            raise Refused("expected a number that is finite and not so large")
        return str(int(value)) if value == int(value) else f"{value:.12f}".rstrip("0")
    if not isinstance(value, str):
        raise Refused("expected a string, a number, true or false")
    return value


def _check(option: str, text: str) -> None:
    """:raises ValueError: what the text is cannot be the option's."""
    many = option.startswith("user_data_option_")
    bare = text.replace("\n", "").replace("\t", "") if many else text
    if not (bare.isascii() and bare.isprintable()):
        raise Refused("expected printable ASCII characters")
    check = _CHECKS.get(option)
    if option.startswith("user_data_file_"):
        _check_name(text)
    elif check is not None:
        check(text)
    kind_of(option).parse(text)


def _check_name(text: str) -> None:
    if _NAME.fullmatch(text) is None:
        raise ValueError(text)


def _check_reference(text: str) -> None:
    if text.startswith(("http://", "https://")):
        try:
            check_url(text)
        except ValueError as error:
            raise Refused(str(error)) from error
    elif text.startswith(CONTAINERS) and ":" in text:
        raise Refused("it is for containers, which are not supported")
    else:
        _check_name(text)


_CHECKS: dict[str, Callable[[str], None]] = {
    "root_image": _check_reference,
    "user_data": _check_reference,
}


def quoted(name: str, value: object) -> str:
    """An option as a message shows it; the values of user_data's are not shown."""
    option = name if _OPTION.fullmatch(name) else shown(name)
    if name.startswith("user_data_option_") or not isinstance(value, (str, int, float)):
        return option
    return f"{option} = {shown(value) if isinstance(value, str) else value}"
