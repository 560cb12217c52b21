"""A machine's record as text: one versioned JSON object, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import NOTHING, fields

from vcycle.core.fieldchecks import (
    Check,
    address,
    clip,
    free_text,
    maybe,
    number,
    pattern,
    truth,
    whole,
    word,
)
from vcycle.core.machine import Doom, Limits, Model, Outcome, Record
from vcycle.core.quota import OUTPUT_NAME

VERSION = 1
MAX_TEXT = 1 << 20
MAX_DIGITS = 20
MAX_PATHS = 64

_seconds = whole(0, 10**10)
_moment = number(-1e11, 1e11)
_name = pattern(r"[0-9A-Za-z][0-9A-Za-z._-]{0,252}", "a name of letters, digits, '.', '_' and '-'")
_outcome = word(Outcome)
_path = pattern(r"/[^\x00-\x1f\x7f]{0,1500}", "an absolute path")


def _paths(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or len(value) > MAX_PATHS:
        raise ValueError(f"a list of at most {MAX_PATHS} absolute paths")
    return tuple(_path(one) for one in value)


_LIMITS: Mapping[str, Check] = {
    "fizzle_seconds": _seconds,
    "heartbeat_file": maybe(pattern(OUTPUT_NAME, "the name of a job output")),
    "heartbeat_seconds": _seconds,
    "max_wallclock_seconds": _seconds,
}
_DOOM: Mapping[str, Check] = {"outcome": _outcome, "since": _moment, "text": free_text}
_RECORD: Mapping[str, Check] = {
    "abort": truth,
    "accounting_fqan": maybe(free_text),
    "address": maybe(address),
    "born": whole(-(10**11), 10**11),
    "clock": whole(0, 10**9),
    "cpu_percentage": number(0, 1e9),
    "cpu_seconds": number(0, 1e15),
    "ended_at": maybe(_moment),
    "exports": _paths,
    "factory": _name,
    "gocdb": truth,
    "hepscore23_per_processor": maybe(number(0, 1e9)),
    "hs06_per_processor": maybe(number(0, 1e9)),
    "image": maybe(_path),
    "keep_days": number(-1e9, 1e9),
    "mac": maybe(pattern(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}", "six pairs of hex digits")),
    "machinetype": pattern(r"[0-9a-z-]{1,100}", "a machinetype's name"),
    "memory_mb": whole(0, 10**9),
    "message": maybe(free_text),
    "missing_since": maybe(_moment),
    "model": word(Model),
    "name": pattern(r"[0-9A-Za-z][0-9A-Za-z.-]{0,252}", "a machine's name"),
    "outcome": maybe(_outcome),
    "processors": whole(1, 10**6),
    "requested_at": _moment,
    "scratch_bytes": whole(0, 10**18),
    "secret": pattern(r"[!-~]{1,256}", "1 to 256 printable characters"),
    "seen_at": maybe(_moment),
    "shutdown_time": _moment,
    "site": maybe(free_text),
    "slot": whole(-1, 10**6),
    "space": _name,
    "started_at": maybe(_moment),
    "volume_group": maybe(pattern(r"[0-9A-Za-z_+][0-9A-Za-z_+.-]{0,62}", "a volume group's name")),
    "uuid": pattern(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "a uuid in lower case"),
}


def _needed(cls: type[Record] | type[Limits] | type[Doom]) -> frozenset[str]:
    return frozenset(f.name for f in fields(cls) if f.default is NOTHING)


_RECORD_NEEDED, _LIMITS_NEEDED, _DOOM_NEEDED = _needed(Record), _needed(Limits), _needed(Doom)


def encode(record: Record) -> str:
    """
    The text of a record, which ``decode`` turns back into an equal one.

    Free text (messages, reasons) is clipped, so that nobody's words can prevent a save.

    :raises ValueError: the record holds what ``decode`` would refuse.
    """
    data = {name: getattr(record, name) for name in _RECORD}
    data["model"] = record.model.value
    data["outcome"] = None if record.outcome is None else record.outcome.value
    for name in ("accounting_fqan", "message", "site"):
        data[name] = clip(data[name])
    limits, doom = record.limits, record.doom
    data["limits"] = {name: getattr(limits, name) for name in _LIMITS}
    data["doom"] = None if doom is None else _doom_data(doom)
    _record(data)
    data["version"] = VERSION
    return json.dumps(data, sort_keys=True, allow_nan=False) + "\n"


def decode(text: str) -> Record:
    """
    The record that a text holds; keys that are not known are left out.

    :raises ValueError: no record of a known version; the text says what was wrong, and where.
    """
    if len(text) > MAX_TEXT:
        raise ValueError(f"record is longer than {MAX_TEXT} characters")
    try:
        data = json.loads(text, parse_int=_integer, parse_constant=_constant)
    except RecursionError:
        raise ValueError("record is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"record is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise ValueError("record is not a JSON object")
    version = data.get("version")
    if type(version) is not int or version != VERSION:
        raise ValueError(
            f"record has version {_shown(version)}, this Vcycle reads version {VERSION};"
            " use the Vcycle that wrote it"
        )
    return _record(data)


def _record(data: Mapping[str, object]) -> Record:
    values = _values("record", data, _RECORD, _RECORD_NEEDED - {"limits"})
    limits = _object("limits", data.get("limits"))
    values["limits"] = Limits(**_values("limits", limits, _LIMITS, _LIMITS_NEEDED))
    if data.get("doom") is not None:
        doom = _object("doom", data["doom"])
        values["doom"] = Doom(**_values("doom", doom, _DOOM, _DOOM_NEEDED))
    return Record(**values)


def _values(
    where: str, data: Mapping[str, object], checks: Mapping[str, Check], needed: frozenset[str]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, check in checks.items():
        if name in data:
            try:
                values[name] = check(data[name])
            except ValueError as error:
                shown = "hidden" if name == "secret" else _shown(data[name])
                raise ValueError(f"{where}: {name} is {shown}, wanted {error}") from None
        elif name in needed:
            raise ValueError(f"{where}: {name} is missing")
    return values


def _object(name: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"record: {name} is {_shown(value)}, wanted a JSON object")
    return value


def _doom_data(doom: Doom) -> dict[str, object]:
    return {"outcome": doom.outcome.value, "since": doom.since, "text": clip(doom.text)}


def _integer(digits: str) -> int:
    # Python before 3.11 takes quadratic time for as many digits as it is given.
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"record holds a number of {len(digits)} digits")
    return int(digits)


def _constant(name: str) -> float:
    raise ValueError(f"record holds {name}, wanted finite numbers")


def _shown(value: object) -> str:
    # A container is not spelt out: it may be huge, or deep.
    if isinstance(value, (dict, list)):
        return "a JSON object" if isinstance(value, dict) else "a JSON list"
    return ascii(value[:60] if isinstance(value, str) else value)
