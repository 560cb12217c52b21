"""A busy space as a dashboard shows it, made up; for tests, and for the guide's pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator

from attrs import evolve

from tests.core.values import FACTORY, machinetype, record, running, space
from vcycle.core.addresses import slot_name
from vcycle.core.backoff import History
from vcycle.core.config.model import Machinetype, Space
from vcycle.core.machine import Doom, Outcome, Record, State
from vcycle.core.observation import Host, Reviewed, Verdict
from vcycle.core.outlook import Abort, Outlook
from vcycle.core.peers import PeerReport, Peers
from vcycle.core.snapshot import Snapshot
from vcycle.core.trend import FRAMES, STEP, Trend

KINDS = {"atlas-prod": 3.0, "lhcb-prod": 2.0, "alice-pilot": 2.0, "ci-runner": 1.0}
HERE = {"atlas-prod": 11, "lhcb-prod": 7, "alice-pilot": 3, "ci-runner": 3}
PEERS = {
    "factory2.example.com": {"atlas-prod": (9, 0), "lhcb-prod": (8, 1), "ci-runner": (4, 0)},
    "factory3.example.com": {"atlas-prod": (12, 2), "alice-pilot": (5, 0), "lhcb-prod": (4, 0)},
    "factory4.example.com": {"lhcb-prod": (6, 0)},
}
SILENT = {"factory5.example.com": "no answer within 10 s"}
SLOTS = 32


def kinds() -> tuple[Machinetype, ...]:
    return tuple(
        machinetype(name, target_share=share, backoff_seconds=600, fizzle_seconds=300)
        for name, share in KINDS.items()
    )


def busy_space(*more: Machinetype) -> Space:
    return space(
        *kinds(),
        *more,
        total_machines=SLOTS,
        total_processors=SLOTS,
        factories=(FACTORY, *PEERS, *SILENT),
        description="Example site, building 5",
    )


def busy(now: float, turn: int = 0, aborted: float = 214.0) -> Snapshot:
    """The space at a moment; ``turn`` moves a few machines on, ``aborted`` is how long ago."""
    machines = tuple(_machines(now, turn))
    return Snapshot(
        space=busy_space(),
        taken_at=now,
        machines=machines,
        verdicts=(
            Verdict(machinetype="atlas-prod", word="started", text="starting 1 now", started=1),
            Verdict(
                machinetype="lhcb-prod",
                word="no-room",
                text="no room for min_processors (1): 0 processors are free",
            ),
            Verdict(
                machinetype="alice-pilot",
                word="backing-off",
                text="the last abort is younger than backoff_seconds (600)",
            ),
            Verdict(
                machinetype="ci-runner",
                word="not-ready",
                text="https://images.example.com/runner.qcow2 is being fetched: 41 %",
            ),
        ),
        histories={
            "alice-pilot": History(
                outlook=Outlook(
                    abort=Abort(
                        at=now - aborted,
                        factory="factory3.example.com",
                        machine="factory3-07.example.com",
                        message="300 Nothing to do",
                    )
                )
            )
        },
        processors_limit=SLOTS,
        peers=Peers(
            reports=tuple(_reports(now)),
            alive=frozenset(PEERS),
            silent=SILENT,
            asked_at=now,
        ),
        host=Host(processors=64, load=11.4, disk_free=412_000_000_000),
    )


def _machines(now: float, turn: int) -> Iterator[Reviewed]:
    slot = 0
    for kind, count in HERE.items():
        for number in range(count):
            of = running(slot, machinetype=kind, started_at=now - 1500 * (number + 1))
            state = State.RUNNING
            if number == 0:
                state = (State.STARTING, State.RUNNING)[turn % 2]
            if kind == "lhcb-prod" and number > 4:
                state = State.DRAINING
            if kind == "alice-pilot" and number == 2:
                state = State.DOOMED
                doom = Doom(
                    outcome=Outcome.SILENT, text="700 Heartbeat file not updated", since=now
                )
                of = evolve(of, doom=doom)
            yield Reviewed(record=of, state=state)
            slot += 1


def _reports(now: float) -> Iterator[PeerReport]:
    for factory, told in PEERS.items():
        for kind, (machines, young) in told.items():
            yield PeerReport(
                factory=factory,
                machinetype=kind,
                running_hs06=float(machines),
                running_machines=machines,
                running_processors=machines,
                young=young,
                heard_at=now,
            )


ENDS = (
    ("atlas-prod", Outcome.COMPLETED, "200 Success", 21_400.0),
    ("alice-pilot", Outcome.ABORTED, "300 Nothing to do", 94.0),
    ("lhcb-prod", Outcome.COMPLETED, "200 Success", 78_212.0),
    ("lhcb-prod", Outcome.OVERTIME, "700 Passed shutdown time", 86_400.0),
    ("atlas-prod", Outcome.VANISHED, "700 Vanished without a message", 5_204.0),
    ("ci-runner", Outcome.COMPLETED, "200 Intended stop after one job", 731.0),
    ("ci-runner", Outcome.FIZZLED, "300 Vcycle detects fizzle after 61 seconds", 61.0),
)


def ends(now: float) -> Iterator[Record]:
    """Machines that are over, the eldest first."""
    for number, (kind, outcome, message, seconds) in reversed(list(enumerate(ENDS))):
        ended_at = now - 130 - 1700 * number
        yield record(
            100 + number,
            name=slot_name(FACTORY, number + 3),
            machinetype=kind,
            requested_at=ended_at - seconds - 20,
            started_at=ended_at - seconds,
            ended_at=ended_at,
            outcome=outcome,
            message=message,
            abort=outcome not in (Outcome.COMPLETED, Outcome.OVERTIME),
            cpu_seconds=seconds * 0.9,
        )


def lived(trend: Trend, name: str, now: float) -> None:
    """A day with an hour in which the daemon did not run, and an evening without work."""
    for number in range(FRAMES):
        at = now - (FRAMES - 1 - number) * STEP
        if 92 <= number < 104:
            continue
        dip = max(0.15, min(1.0, abs(number - 190) / 40))
        counts = {
            kind: round(count * dip * (0.9 + 0.1 * math.sin(number / 17 + place)))
            for place, (kind, count) in enumerate(HERE.items())
        }
        trend.note(name, at, counts)
        for _ in range((number * 7) % 4):
            trend.ended(name, at, False)
        if 165 < number < 215 and number % 2:
            trend.ended(name, at, True)


IMAGES = (
    {
        "image": "https://images.example.com/cernvm5.iso",
        "state": "good",
        "size": 19_922_944,
        "confirmed_at": 0.0,
        "problem": None,
    },
    {
        "image": "https://images.example.com/runner.qcow2",
        "state": "fetching",
        "confirmed_at": None,
        "problem": None,
        "fetched_bytes": 912_000_000,
        "total_bytes": 2_213_000_000,
    },
)
"""``confirmed_at`` is to be filled in."""
