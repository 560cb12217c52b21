"""When the verdict on a machinetype can change next, and by what."""

from __future__ import annotations

from attrs import frozen

from vcycle.core.observation import Verdict
from vcycle.core.reasons.rule import Reasons, Rule, refusing

ROOM = frozenset({"full", "no-room"})
"""Words of verdicts that change only when machines end, or limits are raised."""


@frozen(kw_only=True)
class Next:
    """
    ``at`` (Unix seconds) is the first cycle that can decide otherwise though nothing happens until
    then; None if time alone changes nothing. ``text`` says what would.
    """

    at: float | None
    text: str


def next_change(verdict: Verdict, reasons: Reasons, cycle_at: float) -> Next:
    """
    The next moment for one machinetype; ``cycle_at`` is when the next regular cycle begins.

    Whatever the moment, an event (a machine's end, a changed configuration) brings an earlier
    cycle, and that decides anew.
    """
    if verdict.word == "started":
        return Next(at=cycle_at, text="the next cycle, if there is room for another")
    own = refusing(reasons.machinetypes.get(verdict.machinetype, ()))
    if own is not None:
        return _of(own, cycle_at)
    if verdict.word in ROOM:
        ends = reasons.ends_at
        text = "a machine's end, or a higher limit"
        if ends is None:
            return Next(at=None, text=text)
        return Next(at=max(ends, cycle_at), text=f"{text}; the first ends then at the latest")
    if verdict.word == "vetoed":
        for_all = refusing(reasons.space)
        if for_all is not None:
            return _of(for_all, cycle_at)
    return Next(at=cycle_at, text="the next cycle")


_WHAT = {
    "target_share": "a changed configuration",
    "time left": "a changed configuration",
    "shutdown_time": "a changed configuration",
    "draining": "a changed configuration",
    "a limit is known": "a changed configuration",
    "drain": "vcycle resume",
}
"""What alone changes the mind of a rule that time does not."""


def _of(rule: Rule, cycle_at: float) -> Next:
    if rule.until is not None:
        text = f"the first cycle after {rule.name} ends"
        return Next(at=max(rule.until, cycle_at), text=text)
    if rule.name in _WHAT:
        return Next(at=None, text=_WHAT[rule.name])
    return Next(at=cycle_at, text=f"the next cycle, which looks at this again: {rule.name}")
