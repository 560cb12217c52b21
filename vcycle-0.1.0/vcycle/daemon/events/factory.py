"""Lines about the daemon, its spaces and their providers."""

from __future__ import annotations

from collections.abc import Iterable

from vcycle.core.moments import span
from vcycle.core.observation import Verdict
from vcycle.daemon.events.line import Operator

_log = Operator()


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
    """Something could not be written or read; each cycle tries it again."""
    _log.error("{space}: {reason}", event="store-failed", space=space, reason=reason)


def factory_silent(space: str, factory: str, reason: str) -> None:
    """Another factory of the space does not answer; said once for as long as it is so."""
    _log.warn(
        "{space}: {factory} does not answer: {reason}",
        event="factory-silent",
        space=space,
        factory=factory,
        reason=reason,
    )


def factory_heard(space: str, factory: str) -> None:
    """A factory that was silent answers, or is no longer one of the space."""
    _log.info(
        "{space}: {factory} is not missing any more",
        event="factory-heard",
        space=space,
        factory=factory,
    )


def factories_changed(space: str, lost: int, back: int) -> None:
    """How many more fell silent, or came back, than were named."""
    _log.info(
        "{space}: {lost} more factories do not answer, {back} more are not missing any more",
        event="factories-changed",
        space=space,
        lost=lost,
        back=back,
    )


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
