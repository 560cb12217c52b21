"""The rules by which APEL's loader takes messages or refuses them whole: our tests' oracle."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable

VECTORS = Path(__file__).parent.parent / "vectors" / "apel"
NULLS = {"none", "null", ""}
JOB, SYNC = "APEL-individual-job-message", "APEL-sync-message"
TWO_DAYS = 2 * 86400
LEVELS = ("si2k", "hepspec", "hepscore23")

MANDATORY = {
    JOB: {"Site", "LocalJobId", "WallDuration", "CpuDuration", "StartTime", "EndTime"},
    SYNC: {"Site", "NumberOfJobs", "Month", "Year"},
}
ALLOWED = {
    JOB: MANDATORY[JOB]
    | {
        "SubmitHost",
        "MachineName",
        "Queue",
        "LocalUserId",
        "GlobalUserName",
        "FQAN",
        "VO",
        "VOGroup",
        "VORole",
        "Processors",
        "NodeCount",
        "InfrastructureDescription",
        "InfrastructureType",
        "MemoryReal",
        "MemoryVirtual",
        "ServiceLevelType",
        "ServiceLevel",
        "SubmitHostType",
        "UpdateTime",
    },
    SYNC: MANDATORY[SYNC] | {"SubmitHost"},
}
INTEGERS = {
    "WallDuration",
    "CpuDuration",
    "Processors",
    "NodeCount",
    "MemoryReal",
    "MemoryVirtual",
    "NumberOfJobs",
    "Month",
    "Year",
    "StartTime",
    "EndTime",
}
WIDTHS = {"InfrastructureDescription": 100, "InfrastructureType": 20}
"""Characters of the database's columns that have not 255."""

LARGEST = {"ServiceLevel": 9_999_999.999}
UNSIGNED = (1 << 32) - 1

Fields = dict[str, str]


class Refused(Exception):
    """The loader puts the whole message aside."""


def load(text: str, now: float) -> list[Fields]:
    """The records of a message, as the loader takes them apart."""
    head, _, body = text.strip().partition("\n")
    kind, colon, version = (part.strip() for part in head.partition(":"))
    if not colon or kind not in MANDATORY:
        raise Refused(f"header {head!r}")
    records = [_fields(part) for part in body.split("%%") if part.strip()]
    for fields in records:
        for rule in RULES:
            rule(kind, version, fields, now)
    return records


def _fields(part: str) -> Fields:
    fields = {}
    for line in part.strip().splitlines():
        key, colon, value = line.partition(":")
        if not colon:
            raise Refused(f"a line without a colon: {line!r}")
        if value.strip().lower() not in NULLS:
            fields[key.strip()] = value.strip()
        else:
            fields.setdefault(key.strip(), "None")
    return fields


def _mandatory(kind: str, version: str, fields: Fields, now: float) -> None:
    for name in MANDATORY[kind]:
        if fields.get(name, "None") == "None":
            raise Refused(f"{name} is missing")


def _known(kind: str, version: str, fields: Fields, now: float) -> None:
    unknown = set(fields) - ALLOWED[kind]
    if unknown:
        raise Refused(f"unknown: {unknown}")


def _integers(kind: str, version: str, fields: Fields, now: float) -> None:
    for name in INTEGERS & set(fields):
        if not re.fullmatch(r"[+-]?[0-9]+", fields[name]):
            raise Refused(f"{name} is no integer")


def _times(kind: str, version: str, fields: Fields, now: float) -> None:
    if kind == JOB:
        start, end = int(fields["StartTime"]), int(fields["EndTime"])
        if end < start:
            raise Refused("EndTime before StartTime")
        if end > now + TWO_DAYS:
            raise Refused("EndTime in the future")


def _level(kind: str, version: str, fields: Fields, now: float) -> None:
    unit, value = fields.get("ServiceLevelType"), fields.get("ServiceLevel")
    if version == "v0.4" and kind == JOB:
        if unit is not None or value is None:
            raise Refused("v0.4 has all in ServiceLevel")
        parts = dict(part.split(":") for part in value.strip("{}").split(","))
        if not any(name.strip().lower() in LEVELS for name in parts):
            raise Refused("no benchmark that is known")
        return
    if (unit is None) != (value is None):
        raise Refused("ServiceLevelType and ServiceLevel go together")
    if unit is not None and value is not None:
        if unit.lower() not in LEVELS:
            raise Refused(f"ServiceLevelType {unit}")
        try:
            float(value)
        except ValueError:
            raise Refused("ServiceLevel is no number") from None


RULES: list[Callable[[str, str, Fields, float], None]] = [
    _mandatory,
    _known,
    _integers,
    _times,
    _level,
]


def unfit(fields: Fields) -> list[str]:
    """What the database would cut or refuse, though the loader's parser takes it."""
    found = [name for name, value in fields.items() if len(value) > WIDTHS.get(name, 255)]
    found += [n for n in INTEGERS & set(fields) if not 0 <= int(fields[n]) <= 10**11]
    durations = {"WallDuration", "CpuDuration"} & set(fields)
    found += [name for name in durations if int(fields[name]) > UNSIGNED]
    found += [n for n, most in LARGEST.items() if n in fields and float(fields[n]) > most]
    return found
