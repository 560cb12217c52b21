"""Hypothesis strategies: machines and observations, also such as should never come about."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from hypothesis import strategies as st

from tests.core import values
from tests.core.values import NOW, OWNER
from vcycle.core.backoff import History
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
from vcycle.core.supervision import Known

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
histories = st.builds(
    History,
    last_abort=maybe(wild_moments),
    abort_message=maybe(messages),
    abort_machine=maybe(st.just("factory1-09.example.com")),
    proof=maybe(wild_moments),
)


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
            target_share=st.sampled_from([0.0, 1.0, 3.0]),
            machinegroup=st.sampled_from(["one", "two"]),
            min_processors=st.integers(1, 3),
            max_processors=st.integers(3, 5),
            min_wallclock_seconds=st.sampled_from([600, 3600]),
            max_wallclock_seconds=st.sampled_from([3600, 86400]),
            backoff_seconds=st.sampled_from([0, 10, 3600]),
            fizzle_seconds=st.sampled_from([0, 600]),
        )
        for name in NAMES
    )
)


@st.composite
def observations(draw: st.DrawFn, at: st.SearchStrategy[float] = wild_moments) -> Observation:
    """Anything that one look at everything can show, and more."""
    records = [draw(living(number, at)) for number in range(draw(st.integers(0, 8)))]
    strays = [draw(living(number, at)) for number in range(20, 20 + draw(st.integers(0, 2)))]
    of_all = [record.uuid for record in records]
    return values.observation(
        records,
        space=values.space(
            *draw(machinetypes),
            total_machines=draw(maybe(st.integers(1, 12))),
            total_processors=draw(maybe(st.integers(1, 32))),
            total_mb=draw(maybe(st.integers(1, 65536))),
            creations_per_cycle=draw(st.integers(1, 10)),
            mb_per_processor=draw(st.sampled_from([1, 1000, 2048])),
            processors_per_superslot=draw(st.integers(1, 6)),
            shutdown_time=draw(maybe(moments.map(int))),
            draining=not draw(st.integers(0, 7)),
        ),
        traces={uuid: draw(traces) for uuid in of_all},
        survey=draw(surveys(records + strays)),
        traits=draw(st.sampled_from([values.TRAITS, values.CLOUD])),
        histories=draw(st.dictionaries(st.sampled_from([*NAMES, "gone"]), histories)),
        host=Host(
            processors=draw(st.integers(1, 64)),
            load=draw(st.sampled_from([0.0, 1.0, 500.0])),
            disk_free=draw(maybe(st.sampled_from([0, 1 << 40]))),
        ),
        budget=Budget(
            processors=draw(maybe(st.integers(0, 40))), memory_mb=draw(maybe(st.integers(0, 99999)))
        ),
        ready={name: draw(maybe(st.just("its image is not here"))) for name in NAMES},
        served_since=draw(moments),
        seed=draw(st.integers(0, 9)),
        others=draw(
            st.builds(
                Use, machines=st.just(1), processors=st.integers(0, 9), memory_mb=spans.map(int)
            )
        ),
        elsewhere=draw(st.dictionaries(st.sampled_from(NAMES), st.floats(0, 1e6))),
        problems=("a file is wrong",) if not draw(st.integers(0, 7)) else (),
        held=draw(st.booleans()),
        steps=draw(st.lists(st.floats(-1e6, 1e6), max_size=2).map(tuple)),
        owner=OWNER,
    )
