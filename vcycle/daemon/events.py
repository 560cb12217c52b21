"""The lines an operator greps for, each written in one place."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.logger import Logger, LogLevel

from vcycle.core.config.model import Problem
from vcycle.core.machine import Record
from vcycle.core.moments import moment, span
from vcycle.core.observation import Creation, Verdict

# A field must not be called as one of Twisted's former log: its observers overwrite "message".
_log = Logger(namespace="vcycle")

FIZZLE_HINT = "3"
"""A message that begins so may mean that fizzle_seconds is too short."""


def daemon_started(version: str, state_dir: str, spaces: Iterable[str]) -> None:
    """The daemon is up; its first cycles begin."""
    _log.info(
        "Vcycle {version} runs; state in {state_dir}; spaces: {spaces}",
        event="daemon-started",
        version=version,
        state_dir=state_dir,
        spaces=", ".join(spaces) or "none",
    )


def daemon_stopping() -> None:
    """The daemon ends; machines go on."""
    _log.info("Vcycle stops; machines are left running", event="daemon-stopping")


def left_behind(part: str, seconds: float) -> None:
    """A part of the daemon did not stop in time; the process ends without it."""
    _log.warn(
        "{part} did not stop within {seconds:g}s and is left behind",
        event="left-behind",
        part=part,
        seconds=seconds,
    )


def fenced(how: str) -> None:
    """The daemon, its web server and its guests are in a network namespace of their own."""
    _log.info("Guests are fenced: {how}", event="fenced", how=how)


def configuration_changed(changes: Iterable[str]) -> None:
    """A new configuration is in force."""
    for change in changes:
        _log.info("Configuration: {change}", event="configuration-changed", change=change)


def configuration_warning(problem: Problem) -> None:
    """Something in the configuration has no effect, or another than was meant."""
    _log.warn("Configuration: {problem}", event="configuration-warning", problem=str(problem))


def configuration_wrong(problems: Iterable[object]) -> None:
    """The files cannot be used: the former configuration supervises, nothing is created."""
    for problem in problems:
        _log.error("Configuration: {problem}", event="configuration-wrong", problem=str(problem))
    _log.error(
        "No machines are created until the configuration is right; existing ones go on",
        event="configuration-wrong-draining",
    )


def former_configuration(path: str) -> None:
    """At the start the files cannot be used: what the last daemon ran with supervises."""
    _log.warn(
        "The last configuration that could be used supervises, as kept in {path}",
        event="configuration-former",
        path=path,
    )


def configuration_not_kept(reason: str) -> None:
    """Should the files be wrong at the next start, an older configuration or none takes over."""
    _log.warn(
        "The configuration is not kept for the next start: {reason}",
        event="configuration-not-kept",
        reason=reason,
    )


def nothing_runs() -> None:
    """Neither the files nor a former configuration can be used."""
    _log.error(
        "Nothing runs until the configuration is right, as no former one is kept",
        event="nothing-runs",
    )


def cannot_begin(reason: str) -> None:
    """The configuration can be used by now, but not what it needs; tried again."""
    _log.error(
        "Nothing runs yet, and is tried again: {reason}", event="cannot-begin", reason=reason
    )


def configuration_unread(reason: str) -> None:
    """The files could not be looked at; the configuration in force stays."""
    _log.warn(
        "Configuration: could not be looked at again: {reason}",
        event="configuration-unread",
        reason=reason,
    )


def configuration_right() -> None:
    """The files can be used again."""
    _log.info("Configuration: right again", event="configuration-right")


def needs_restart(what: str) -> None:
    """A change that takes effect only when the daemon starts anew."""
    _log.warn(
        "Configuration: {what} takes effect at the next start", event="needs-restart", what=what
    )


def cycle_failed(space: str, reason: str, seconds: float) -> None:
    """A cycle ended early for a foreseen reason; what it left undone the next one does."""
    _log.error(
        "{space}: this cycle ended early, the next comes within {seconds:.0f}s: {reason}",
        event="cycle-failed",
        space=space,
        reason=reason,
        seconds=seconds,
    )


def provider_said(uri: str, text: str) -> None:
    """What an operator must know of a provider: how machines run on it, what was found."""
    _log.info("{uri}: {text}", event="provider", uri=uri, text=text)


def provider_lost(space: str, reason: str) -> None:
    """The provider does not answer: nothing is created or destroyed, machines go on."""
    _log.warn(
        "{space}: no answer from the provider, machines are left as they are: {reason}",
        event="provider-lost",
        space=space,
        reason=reason,
    )


def provider_back(space: str, seconds: float) -> None:
    """The provider answers again."""
    _log.info(
        "{space}: the provider answers again after {span}",
        event="provider-back",
        space=space,
        span=span(seconds),
    )


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
    _log.info(
        "{machine} created in {seconds:.2f}s ({uuid})",
        event="machine-created",
        space=record.space,
        machine=record.name,
        machinetype=record.machinetype,
        uuid=record.uuid,
        seconds=seconds,
    )


def creation_failed(record: Record, reason: str) -> None:
    """No machine was made."""
    _log.error(
        "{machine} ({machinetype}) was not created: {reason}",
        event="machine-creation-failed",
        space=record.space,
        machine=record.name,
        machinetype=record.machinetype,
        uuid=record.uuid,
        reason=reason,
    )


def creation_unknown(record: Record, reason: str) -> None:
    """No answer came; the next cycles will see whether the machine is there."""
    _log.warn(
        "{machine} ({machinetype}): it is not known whether it was created: {reason}",
        event="machine-creation-unknown",
        space=record.space,
        machine=record.name,
        machinetype=record.machinetype,
        uuid=record.uuid,
        reason=reason,
    )


def adopted(record: Record) -> None:
    """A machine that carries our mark had no record; it is supervised again."""
    _log.warn(
        "{machine} ({machinetype}) is ours, but had no record; adopted",
        event="machine-adopted",
        space=record.space,
        machine=record.name,
        machinetype=record.machinetype,
        uuid=record.uuid,
    )


def said(record: Record, message: str) -> None:
    """A machine left its shutdown message and is about to power off."""
    _log.info(
        "{machine} ({machinetype}) says {says!r}",
        event="machine-said",
        space=record.space,
        machine=record.name,
        machinetype=record.machinetype,
        uuid=record.uuid,
        says=message,
    )


def doomed(record: Record) -> None:
    """A machine is going to be destroyed, and why."""
    doom = record.doom
    _log.warn(
        "{machine} ({machinetype}) is destroyed: {reason}",
        event="machine-doomed",
        space=record.space,
        machine=record.name,
        machinetype=record.machinetype,
        uuid=record.uuid,
        reason="" if doom is None else doom.text,
    )


def not_destroyed(record: Record, reason: str) -> None:
    """A destroy was refused or not answered; it is tried again in the next cycle."""
    _log.error(
        "{machine} could not be destroyed, and is tried again: {reason}",
        event="machine-not-destroyed",
        space=record.space,
        machine=record.name,
        uuid=record.uuid,
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
    _log.emit(
        LogLevel.warn if record.abort else LogLevel.info,
        "{machine} ({machinetype}) {outcome} after {seconds:.0f}s: {says!r}{hint}",
        event="machine-finished",
        space=record.space,
        machinetype=record.machinetype,
        machine=record.name,
        uuid=record.uuid,
        seconds=seconds,
        outcome="none" if record.outcome is None else record.outcome.value,
        says=message,
        hint=hint,
    )


def verdict(space: str, judged: Verdict) -> None:
    """Why a machinetype is started or not; said when it changes."""
    _log.info(
        "{space}: {machinetype}: {text}",
        event="verdict",
        space=space,
        machinetype=judged.machinetype,
        word=judged.word,
        text=judged.text,
    )


def vetoed(space: str, reason: str) -> None:
    """Nothing at all is started; said when it changes."""
    _log.info(
        "{space}: no machines are created: {reason}", event="vetoed", space=space, reason=reason
    )


def alarmed(space: str, text: str) -> None:
    """Something that an administrator should look at."""
    _log.warn("{space}: {text}", event="alarm", space=space, text=text)


def store_failed(space: str, reason: str) -> None:
    """Something could not be written; nothing is created until it can."""
    _log.error("{space}: {reason}", event="store-failed", space=space, reason=reason)


def clock_stepped(seconds: float) -> None:
    """The wall clock was set; all ages stay as they were."""
    _log.warn(
        "The clock was set by {seconds:+.1f}s; the ages of machines are kept",
        event="clock-stepped",
        seconds=seconds,
    )


def serving(where: str) -> None:
    """The machines' web server listens."""
    _log.info("Machines are served at {where}", event="serving", where=where)


def not_serving(where: str, reason: str) -> None:
    """The machines' web server cannot listen; nothing is created until it can."""
    _log.error(
        "Machines cannot be served at {where}: {reason}",
        event="not-serving",
        where=where,
        reason=reason,
    )


def space_left(space: str) -> None:
    """A space that is no longer configured has no machines any more."""
    _log.info(
        "{space}: its last machine is over; the space is left", event="space-left", space=space
    )
