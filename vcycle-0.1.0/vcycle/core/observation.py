"""All that one cycle of one space knows, and all that it decides."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, frozen

from vcycle.core.backoff import History
from vcycle.core.config.model import Machinetype, Space
from vcycle.core.disks import Pool
from vcycle.core.drains import Drain
from vcycle.core.machine import Doom, Record, State, Survey, Traces, Traits
from vcycle.core.peers import Peers
from vcycle.core.reasons.rule import Reasons
from vcycle.core.supervision import Deadlines


@frozen(kw_only=True)
class Use:
    """What machines take of a provider."""

    machines: int = 0
    processors: int = 0
    memory_mb: int = 0

    def __add__(self, other: Use) -> Use:
        return Use(
            machines=self.machines + other.machines,
            processors=self.processors + other.processors,
            memory_mb=self.memory_mb + other.memory_mb,
        )


@frozen(kw_only=True)
class Budget:
    """What all spaces on one provider may use together; None is unlimited."""

    processors: int | None = None
    memory_mb: int | None = None


@frozen(kw_only=True)
class Host:
    """
    The factory's own host.

    ``load`` is the greatest of its load averages; ``disk_free`` in bytes, None if not known.
    """

    processors: int
    load: float
    disk_free: int | None


@frozen(kw_only=True)
class Observation:
    """
    One look at everything.

    ``survey`` is None where the provider gave no answer; ``problems`` then says why.
    ``ready`` gives for each machinetype why it cannot be made, or None.
    ``others`` is what other spaces of this daemon use of the same provider.
    ``peers`` is what the other factories of the space told of theirs.
    ``held`` says that the last survey was held back because too many machines vanished.
    ``steps`` are all steps that the clock ever made, in seconds. ``drains`` are those in force
    or over; ``asked`` are the dooms that an administrator asked for, by uuid. ``pool`` is the
    space's volume group, None if it has none or that is not known.
    """

    now: float
    space: Space
    owner: str
    records: tuple[Record, ...]
    traces: Mapping[str, Traces]
    survey: Survey | None
    traits: Traits
    histories: Mapping[str, History]
    host: Host
    budget: Budget
    ready: Mapping[str, str | None]
    served_since: float
    seed: int
    others: Use = Factory(Use)
    peers: Peers = Factory(Peers)
    problems: tuple[str, ...] = ()
    held: bool = False
    steps: tuple[float, ...] = ()
    drains: tuple[Drain, ...] = ()
    asked: Mapping[str, Doom] = Factory(dict)
    pool: Pool | None = None
    deadlines: Deadlines = Factory(Deadlines)


@frozen(kw_only=True)
class Reviewed:
    """A machine that is not over, and where it stands."""

    record: Record
    state: State


@frozen(kw_only=True)
class Creation:
    """One machine to be made, and why this one."""

    machinetype: Machinetype
    slot: int
    name: str
    processors: int
    memory_mb: int
    shutdown_time: float
    reason: str


@frozen(kw_only=True)
class Verdict:
    """
    What was decided about one machinetype.

    ``word`` is for programs (``started``, ``backing-off``…), ``text`` for people.
    """

    machinetype: str
    word: str
    text: str
    started: int = 0


@frozen(kw_only=True)
class Plan:
    """
    What one cycle does, in this order: save, end, destroy, create.

    ``machines`` are those that are not over, as they are now known; ``save`` holds those whose
    lasting facts changed. ``end`` holds the finished records. ``veto`` is why no machinetype
    at all may start, None also where all limits are merely reached. ``use`` counts the
    machines and the creations. ``reasons`` are all rules as they were applied.
    """

    machines: tuple[Reviewed, ...]
    save: tuple[Record, ...]
    adopt: tuple[Record, ...]
    end: tuple[Record, ...]
    destroy: tuple[Record, ...]
    create: tuple[Creation, ...]
    verdicts: tuple[Verdict, ...]
    histories: Mapping[str, History]
    veto: str | None
    alarms: tuple[str, ...]
    held: bool
    use: Use
    reasons: Reasons = Factory(Reasons)


def use_of(records: tuple[Record, ...]) -> Use:
    """What these machines take, whatever state they are in."""
    return Use(
        machines=len(records),
        processors=sum(record.processors for record in records),
        memory_mb=sum(record.memory_mb for record in records),
    )
