"""Lines about machines, from their creation to their end."""

from __future__ import annotations

from twisted.logger import LogLevel

from vcycle.core.machine import Record
from vcycle.core.moments import moment
from vcycle.core.observation import Creation
from vcycle.daemon.events.line import Operator

_log = Operator()

FIZZLE_HINT = "3"
"""A message that begins so may mean that fizzle_seconds is too short."""


def _of(record: Record) -> dict[str, str]:
    """The fields that every line about a machine has."""
    return {
        "space": record.space,
        "machine": record.name,
        "machinetype": record.machinetype,
        "uuid": record.uuid,
    }


def _log_of(record: Record) -> Operator:
    """A machine knows its own secret, and may say it."""
    return Operator(record.secret)


def creating(space: str, creation: Creation, uuid: str) -> None:
    """A machine's intent is on disk and the provider is asked for it."""
    _log.info(
        "Creating {machine} with machinetype {machinetype}, {processors} processor(s),"
        " until {until} ({reason})",
        event="machine-creating",
        space=space,
        machine=creation.name,
        machinetype=creation.machinetype.name,
        processors=creation.processors,
        until=moment(creation.shutdown_time),
        reason=creation.reason,
        uuid=uuid,
    )


def created(record: Record, seconds: float) -> None:
    """The provider made the machine."""
    _log_of(record).info(
        "{machine} created in {seconds:.2f}s ({uuid})",
        event="machine-created",
        **_of(record),
        seconds=seconds,
    )


def creation_failed(record: Record, reason: str) -> None:
    """No machine was made."""
    _log_of(record).error(
        "{machine} ({machinetype}) was not created: {reason}",
        event="machine-creation-failed",
        **_of(record),
        reason=reason,
    )


def creation_unknown(record: Record, reason: str) -> None:
    """No answer came; the next cycles will see whether the machine is there."""
    _log_of(record).warn(
        "{machine} ({machinetype}): it is not known whether it was created: {reason}",
        event="machine-creation-unknown",
        **_of(record),
        reason=reason,
    )


def adopted(record: Record) -> None:
    """A machine that carries our mark had no record; it is supervised again."""
    _log_of(record).warn(
        "{machine} ({machinetype}) is ours, but had no record; adopted",
        event="machine-adopted",
        **_of(record),
    )


def said(record: Record, message: str) -> None:
    """A machine left its shutdown message and is about to power off."""
    _log_of(record).info(
        "{machine} ({machinetype}) says {says!r}",
        event="machine-said",
        **_of(record),
        says=message,
    )


def doomed(record: Record) -> None:
    """A machine is going to be destroyed, and why."""
    doom = record.doom
    _log_of(record).warn(
        "{machine} ({machinetype}) is destroyed: {reason}",
        event="machine-doomed",
        **_of(record),
        reason="" if doom is None else doom.text,
    )


def not_destroyed(record: Record, reason: str) -> None:
    """A destroy was refused or not answered; it is tried again in the next cycle."""
    _log_of(record).error(
        "{machine} could not be destroyed, and is tried again: {reason}",
        event="machine-not-destroyed",
        **_of(record),
        reason=reason,
    )


def finished(record: Record) -> None:
    """A machine is over. Aborts are warnings: they start a back-off."""
    born = record.requested_at if record.started_at is None else record.started_at
    seconds = (record.ended_at or born) - born
    message = record.message or ""
    hint = ""
    if message.startswith(FIZZLE_HINT):
        hint = f" Minimum {record.machinetype} fizzle_seconds={seconds:.0f} ?"
    _log_of(record).emit(
        LogLevel.warn if record.abort else LogLevel.info,
        "{machine} ({machinetype}) {outcome} after {seconds:.0f}s: {says!r}{hint}",
        event="machine-finished",
        **_of(record),
        seconds=seconds,
        outcome="none" if record.outcome is None else record.outcome.value,
        says=message,
        hint=hint,
    )
