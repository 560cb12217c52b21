"""Where each machinetype of a space stands: wanted, had here and elsewhere, its back-off."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, frozen

from vcycle.core.backoff import History, own_abort
from vcycle.core.config.model import Machinetype
from vcycle.core.machine import State
from vcycle.core.observation import Verdict
from vcycle.core.outlook import Abort
from vcycle.core.peers import PeerReport, heard
from vcycle.core.snapshot import Snapshot

SHOWN = tuple(state for state in State if state is not State.ENDED)
"""The states of machines that are not over."""

UNKNOWN = "unknown"


@frozen(kw_only=True)
class Standing:
    """
    One machinetype now. ``target`` and ``actual`` are parts of 1 of the whole space, of all
    target shares and of all HS06 in use; None where nothing is wanted or used at all.

    ``backoff_until`` is in Unix seconds, None while there is none.
    """

    machinetype: Machinetype
    states: Mapping[State, int]
    target: float | None
    actual: float | None
    hs06: float
    elsewhere: tuple[PeerReport, ...] = ()
    abort: Abort | None = None
    backoff_until: float | None = None
    verdict: Verdict = Factory(lambda: Verdict(machinetype="", word=UNKNOWN, text="no cycle yet"))

    @property
    def machines(self) -> int:
        """How many there are here, in whatever state."""
        return sum(self.states.values())


def standings(snapshot: Snapshot) -> tuple[Standing, ...]:
    """Those of all machinetypes that are configured, in the order of the configuration."""
    space = snapshot.space
    states: dict[str, dict[State, int]] = {}
    hs06: dict[str, float] = {}
    for reviewed in snapshot.machines:
        record = reviewed.record
        of = states.setdefault(record.machinetype, {})
        of[reviewed.state] = of.get(reviewed.state, 0) + 1
        hs06[record.machinetype] = hs06.get(record.machinetype, 0.0) + record.hs06
    reports = heard(snapshot.peers, space, snapshot.taken_at)
    for name, told in reports.items():
        hs06[name] = hs06.get(name, 0.0) + sum(report.running_hs06 for report in told)
    wanted = sum(machinetype.target_share for machinetype in space.machinetypes.values())
    used = sum(hs06.get(name, 0.0) for name in space.machinetypes)
    verdicts = {verdict.machinetype: verdict for verdict in snapshot.verdicts}
    found = []
    for name, machinetype in space.machinetypes.items():
        abort = _last_abort(snapshot, name)
        until = None if abort is None else abort.at + machinetype.backoff_seconds
        standing = Standing(
            machinetype=machinetype,
            states=states.get(name, {}),
            target=machinetype.target_share / wanted if wanted else None,
            actual=hs06.get(name, 0.0) / used if used else None,
            hs06=hs06.get(name, 0.0),
            elsewhere=reports[name],
            abort=abort,
            backoff_until=until if until is not None and until > snapshot.taken_at else None,
            verdict=verdicts.get(
                name, Verdict(machinetype=name, word=UNKNOWN, text="no cycle yet")
            ),
        )
        found.append(standing)
    return tuple(found)


def _last_abort(snapshot: Snapshot, name: str) -> Abort | None:
    """The last one in the space, of which ours is one."""
    history = snapshot.histories.get(name, History())
    own = own_abort(history, snapshot.space.factory_name)
    known = [abort for abort in (history.outlook.abort, own) if abort is not None]
    return max(known, key=lambda abort: abort.at) if known else None
