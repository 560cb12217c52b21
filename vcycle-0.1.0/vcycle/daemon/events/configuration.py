"""Lines about the configuration."""

from __future__ import annotations

from collections.abc import Iterable

from vcycle.core.config.model import Problem
from vcycle.daemon.events.line import Operator

_log = Operator()


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
