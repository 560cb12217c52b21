"""Hypothesis strategies: machines and observations, also such as should never come about."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from hypothesis import strategies as st

from tests.core import values
from tests.core.values import NOW
from vcycle.core.backoff import History
from vcycle.core.disks import GIGABYTE, Pool
from vcycle.core.drains import Drain
from vcycle.core.machine import (
    Condition,
    Doom,
    Ending,
    Limits,
    Outcome,
    Record,
    Sighting,
    Survey,
    Traces,
)
from vcycle.core.observation import Budget, Host, Observation, Use
from vcycle.core.outlook import Abort, Outlook
from vcycle.core.peers import PeerReport, Peers
from vcycle.core.room import HEADROOM
from vcycle.core.supervision import Deadlines, Known
from vcycle.core.veto import DISK_RESERVE

NAMES = ("pilot", "probe", "idle")
"""Machinetypes that are configured; records may have others."""

DOOMS = (
    Outcome.SILENT,
    Outcome.OVERTIME,
    Outcome.PAUSED,
    Outcome.NEVER_STARTED,
    Outcome.STOPPED,
    Outcome.COMPLETED,
)
"""The outcomes that a doom can foretell."""


ANOTHER = "another.example.com"
DISAGREEMENTS: list[tuple[str | None, dict[str, str] | None]] = [
    (None, None),
    (ANOTHER, {}),
    (None, {"owner": "host2.example.com:/var/lib/vcycle"}),
    (None, {"uuid": values.uuid(77)}),
    (None, {"name": ANOTHER}),
    (None, {"space": ANOTHER}),
    (None, {"facts": "no facts"}),
]
"""What may be wrong with a sighting: its name, and of its mark nothing, some, or all of it."""


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, or None."""
    return st.none() | strategy


spans = st.floats(0, 1e5) | st.sampled_from([0.0, 1.0, 120.0, 300.0, 600.0, 86400.0])
moments = spans.map(lambda s: NOW - s) | spans.map(lambda s: NOW + s)
wild_moments = moments | st.floats(-1e11, 1e11)
dooms = st.builds(Doom, outcome=st.sampled_from(DOOMS), text=st.text(max_size=9), since=moments)
messages = st.text(max_size=20) | st.sampled_from(["200 Done", "300 No work", "700 Oops", "3000"])
traces = st.builds(
    Traces, heartbeat_at=maybe(moments), message=maybe(messages), message_at=maybe(moments)
) | st.just(Traces())
endings = st.builds(Ending, at=wild_moments, how=st.sampled_from(["shutdown", "destroyed", ""]))
limits = st.builds(
    Limits,
    fizzle_seconds=st.sampled_from([0, 1, 600]),
    max_wallclock_seconds=st.sampled_from([60, 3600, 86400]),
    heartbeat_file=maybe(st.just("heartbeat")),
    heartbeat_seconds=st.sampled_from([0, 60]),
)
aborts = st.builds(
    Abort,
    at=wild_moments,
    factory=st.sampled_from(["factory1.example.com", "Factory2.example.com", ""]),
    machine=maybe(st.sampled_from(["factory1-09.example.com", "m"])),
    message=maybe(messages),
)
outlooks = st.builds(
    Outlook,
    abort=maybe(aborts),
    quiet_at=maybe(wild_moments),
    young_at=maybe(wild_moments),
    scout_at=maybe(wild_moments),
    scout=maybe(st.sampled_from(["factory2.example.com", "nobody"])),
    proof=maybe(wild_moments),
)
anything = st.floats() | wild_moments
rounds = st.builds(
    Peers,
    reports=st.lists(
        st.builds(
            PeerReport,
            factory=st.sampled_from(
                ["factory1.example.com", "FACTORY1.example.com", "factory2.example.com", "f3", ""]
            ),
            machinetype=st.sampled_from([*NAMES, "gone"]),
            running_hs06=st.floats() | st.floats(0, 1e6),
            running_machines=st.integers(-1, 40),
            running_processors=st.integers(-1, 40),
            young=st.integers(-1, 3),
            heard_at=moments | anything,
            last_abort=maybe(anything),
            abort_message=maybe(messages),
            abort_machine=maybe(st.sampled_from(["factory2-01.example.com", "m"])),
        ),
        max_size=5,
    ).map(tuple),
    asked_at=maybe(anything),
)
"""What peers may be made to say: also nonsense, and in our own name."""

histories = st.builds(
    History,
    outlook=st.just(Outlook()),
    last_abort=maybe(wild_moments),
    abort_message=maybe(messages),
    abort_machine=maybe(st.just("factory1-09.example.com")),
    proof=maybe(wild_moments),
)


groups = st.sampled_from([None, None, "vg0"])
"""Where blank disks are, of a machine or of a space's next ones."""


@st.composite
def living(draw: st.DrawFn, number: int = 0, at: st.SearchStrategy[float] = moments) -> Record:
    """A record that is not over, at any stage of its life, its times in no order."""
    return values.record(
        number,
        machinetype=draw(st.sampled_from([*NAMES, "gone"])),
        processors=draw(st.integers(1, 4)),
        limits=draw(limits),
        requested_at=draw(at),
        shutdown_time=draw(at),
        started_at=draw(maybe(at)),
        seen_at=draw(maybe(at)),
        missing_since=draw(maybe(at)),
        doom=draw(maybe(dooms)),
        cpu_seconds=draw(st.floats(0, 1e6)),
        volume_group=draw(groups),
    )


@st.composite
def knowns(draw: st.DrawFn, of: Record) -> Known:
    """Anything that a look can tell of a machine."""
    seen = draw(
        maybe(st.sampled_from(Condition).map(lambda condition: values.sighting(of, condition)))
    )
    return values.known(
        seen,
        absent=draw(st.booleans()),
        ending=draw(maybe(endings)),
        traces=draw(traces),
        end_before=draw(maybe(moments)),
        served_since=draw(moments),
        traits=draw(st.sampled_from([values.TRAITS, values.CLOUD])),
    )


@st.composite
def sightings(draw: st.DrawFn, of: Record) -> Sighting:
    """A listed machine: that of a record, or one that only looks like it."""
    condition = draw(st.sampled_from(Condition))
    true = values.sighting(of, condition, cpu_seconds=draw(st.floats(0, 1e6)))
    changes = draw(st.none() | st.sampled_from(DISAGREEMENTS))
    if changes is None:
        return true
    name, of_mark = changes
    mark = None if of_mark is None else values.mark(of, **of_mark)
    return evolve(true, name=name or of.name, mark=mark)


@st.composite
def surveys(draw: st.DrawFn, records: list[Record]) -> Survey | None:
    """A provider's answer, whole or not, fresh or not, consistent or not."""
    if not draw(st.integers(0, 7)):
        return None
    listed = [draw(sightings(record)) for record in records if draw(st.integers(0, 3))]
    others = [values.foreign(number) for number in range(draw(st.integers(0, 2)))]
    if listed and not draw(st.integers(0, 5)):
        listed.append(evolve(listed[0], name="twin.example.com"))
    known_uuids = [record.uuid for record in records] + [values.uuid(99)]
    absent = draw(st.frozensets(st.sampled_from(known_uuids)))
    taken = values.survey(
        draw(st.permutations(listed + others)),
        taken_at=NOW - draw(st.sampled_from([0.0, 0.0, 0.0, 1.0, 3600.0])),
        complete=bool(draw(st.integers(0, 7))),
        endings={uuid: draw(endings) for uuid in draw(st.frozensets(st.sampled_from(known_uuids)))},
        problem=draw(maybe(st.just("a domain does not answer"))),
    )
    return evolve(taken, absent=absent)


machinetypes = st.tuples(
    *(
        st.builds(
            values.machinetype,
            st.just(name),
            target_share=st.sampled_from([1.0, 3.0, 0.0]),
            machinegroup=st.sampled_from(["one", "two"]),
            min_processors=st.integers(1, 3),
            max_processors=st.integers(3, 5),
            min_wallclock_seconds=st.sampled_from([600, 3600]),
            max_wallclock_seconds=st.sampled_from([86400, 3600]),
            backoff_seconds=st.sampled_from([10, 0, 3600]),
            fizzle_seconds=st.sampled_from([600, 0]),
            disk_gb_per_processor=st.sampled_from([None, 40.0]),
        )
        for name in NAMES
    )
)

spaces = st.builds(
    lambda kinds, **changes: values.space(*kinds, **changes),
    machinetypes,
    total_machines=st.sampled_from([None, 4, 9]),
    total_processors=st.sampled_from([16, 8, 32, None]),
    total_mb=st.sampled_from([None, 16384, 20000]),
    creations_per_cycle=st.sampled_from([100, 1, 3]),
    mb_per_processor=st.sampled_from([2048, 1000]),
    processors_per_superslot=st.sampled_from([8, 4, 3, 1]),
    shutdown_time=st.sampled_from([None, None, None, int(NOW) + 7200, int(NOW) + 3000]),
    volume_group=groups,
)

drains = st.builds(
    Drain,
    space=st.sampled_from([None, values.SPACE, ANOTHER]),
    machinetype=st.sampled_from([None, *NAMES]),
    reason=st.just("repairs"),
    by=st.just("ann"),
    since=moments,
    until=maybe(moments),
)

TROUBLES: list[dict[str, Any]] = [
    *([{}] * 8),
    {"problems": ("a file is wrong",)},
    {"survey": None},
    {"host": Host(processors=8, load=500.0, disk_free=None)},
    {"host": Host(processors=8, load=0.0, disk_free=0)},
    {"host": Host(processors=8, load=0.0, disk_free=DISK_RESERVE + 3 * HEADROOM)},
    {"ready": {"pilot": "its image is not here"}},
    {"held": True},
]
"""What goes wrong in a cycle: mostly nothing, else one thing."""

surroundings: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "space": spaces,
        "traits": st.sampled_from([values.TRAITS, values.CLOUD]),
        "histories": st.dictionaries(
            st.sampled_from([*NAMES, "gone"]),
            st.builds(evolve, histories, outlook=outlooks),
            max_size=2,
        ),
        "budget": st.sampled_from(
            [
                Budget(processors=64, memory_mb=1 << 20),
                Budget(),
                Budget(processors=12),
                Budget(memory_mb=20000),
            ]
        ),
        "others": st.sampled_from([Use(), Use(machines=1, processors=5, memory_mb=9000)]),
        "peers": rounds,
        "pool": st.sampled_from(
            [
                Pool(free=1 << 43),
                Pool(free=100 * GIGABYTE, ours=200 * GIGABYTE),
                Pool(free=0),
                None,
            ]
        ),
        "drains": st.just(()) | st.lists(drains, max_size=2).map(tuple),
        "asked": st.dictionaries(st.integers(0, 3).map(values.uuid), dooms, max_size=2),
        "deadlines": st.sampled_from([Deadlines(), Deadlines(start=60.0, drain=30.0)]),
        "served_since": st.sampled_from([NOW - 86400, NOW - 30]),
        "seed": st.integers(0, 9),
    }
)

STAGES: dict[str, tuple[dict[str, Any], Condition | None, Traces]] = {
    "requested": ({"requested_at": NOW - 10}, None, Traces()),
    "late": ({"requested_at": NOW - 100}, None, Traces()),
    "starting": ({"seen_at": NOW - 60}, Condition.PENDING, Traces()),
    "young": ({"started_at": NOW - 60, "seen_at": NOW - 60}, Condition.RUNNING, Traces()),
    "grown": ({"started_at": NOW - 4000, "seen_at": NOW - 60}, Condition.RUNNING, Traces()),
    "draining": (
        {"started_at": NOW - 4000, "seen_at": NOW - 60},
        Condition.RUNNING,
        Traces(message="200 Done", message_at=NOW - 60),
    ),
    "paused": ({"started_at": NOW - 4000}, Condition.PAUSED, Traces()),
    "ended": (
        {"started_at": NOW - 4000, "seen_at": NOW - 60},
        None,
        Traces(message="300 No work", message_at=NOW - 30),
    ),
    "vanished": ({"started_at": NOW - 4000, "seen_at": NOW - 60}, None, Traces()),
    "missing": ({"started_at": NOW - 4000, "missing_since": NOW - 60}, None, Traces()),
    "doomed": (
        {"started_at": NOW - 4000, "doom": Doom(outcome=Outcome.SILENT, text="", since=NOW)},
        Condition.RUNNING,
        Traces(),
    ),
    "expired": ({"started_at": NOW - 90000, "shutdown_time": NOW - 1}, Condition.RUNNING, Traces()),
}
"""Machines as they come: the record, what is listed of it, what it left; None is absent."""

staged = st.lists(
    st.tuples(
        st.sampled_from(list(STAGES)),
        st.sampled_from([*NAMES, "gone"]),
        st.integers(1, 4),
        st.sampled_from([3000, 7200, 50000]),
    ),
    max_size=7,
)


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    """What a cycle may well see: machines at any stage, and now and then some trouble."""
    records, seen, gone, traces_of = [], [], [], {}
    for number, (stage, name, processors, left) in enumerate(draw(staged)):
        facts, condition, told = STAGES[stage]
        record = values.record(
            number,
            **{
                "machinetype": name,
                "processors": processors,
                "shutdown_time": NOW + left,
                "requested_at": NOW - 5000,
                "volume_group": draw(groups),
                **facts,
            },
        )
        records.append(record)
        traces_of[record.uuid] = told
        if condition is None:
            gone.append(record)
        else:
            seen.append(values.sighting(record, condition, cpu_seconds=100.0))
    stray = values.record(20, started_at=NOW - 100)
    others = draw(st.sampled_from([[], [values.foreign(1)], [values.sighting(stray)]]))
    listed = values.survey([*seen, *others], absent=gone)
    changes = {"survey": listed, **draw(surroundings), **draw(st.sampled_from(TROUBLES))}
    return values.observation(records, traces=traces_of, **changes)


@st.composite
def hostile(draw: st.DrawFn) -> Observation:
    """Anything that one look at everything can show, and more: times, marks and lists at odds."""
    numbers = range(draw(st.integers(0, 4)))
    records = [draw(living(number, wild_moments)) for number in numbers]
    strays = [draw(living(20, wild_moments))] if draw(st.booleans()) else []
    changes = draw(surroundings)
    return values.observation(
        records,
        **{
            **changes,
            "traces": {record.uuid: draw(traces) for record in records},
            "survey": draw(surveys(records + strays)),
            "served_since": draw(wild_moments),
            "held": draw(st.booleans()),
            "steps": draw(st.lists(st.floats(-1e6, 1e6), max_size=2).map(tuple)),
            **draw(st.sampled_from(TROUBLES)),
        },
    )
