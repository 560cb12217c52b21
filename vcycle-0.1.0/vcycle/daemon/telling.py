"""What an operator is told of a space: each thing once, when it changes."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

from vcycle.core.observation import Plan
from vcycle.daemon import events

USUAL = frozenset({"started", "full", "no-room", "later", "vetoed"})
"""Verdicts that come and go on a busy factory; a veto has a line of its own."""


@define
class Telling:
    """Remembers what was said last, so that a cycle that brings nothing new says nothing."""

    _space: str
    _words: dict[str, str] = field(factory=dict)
    _veto: str | None = None
    _alarms: frozenset[str] = frozenset()
    _troubles: frozenset[str] = frozenset()
    _lost_at: float | None = None

    def plan(self, plan: Plan) -> None:
        """Verdicts whose word changed, a new veto, new alarms."""
        for verdict in plan.verdicts:
            if verdict.word not in USUAL and verdict.word != self._words.get(verdict.machinetype):
                events.verdict(self._space, verdict)
            if verdict.word != "vetoed":
                self._words[verdict.machinetype] = verdict.word
        veto = plan.veto
        if veto is not None and _kind(veto) != _kind(self._veto or ""):
            events.vetoed(self._space, veto)
        self._veto = veto
        for alarm in plan.alarms:
            if alarm not in self._alarms:
                events.alarmed(self._space, alarm)
        self._alarms = frozenset(plan.alarms)

    def troubles(self, texts: Iterable[str]) -> None:
        """What a cycle could not do."""
        now = tuple(texts)
        for text in now:
            if text not in self._troubles:
                events.alarmed(self._space, text)
        self._troubles = frozenset(now)

    def lost(self, reason: str, now: float) -> None:
        """The provider did not answer."""
        if self._lost_at is None:
            self._lost_at = now
            events.provider_lost(self._space, reason)

    def answered(self, now: float) -> None:
        """The provider answered."""
        if self._lost_at is not None:
            events.provider_back(self._space, now - self._lost_at)
            self._lost_at = None


def _kind(text: str) -> str:
    """The text without its numbers: a veto whose figures alone change is not news."""
    return "".join(letter for letter in text if not letter.isdigit())
