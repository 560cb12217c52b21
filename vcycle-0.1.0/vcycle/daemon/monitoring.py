"""What is remembered of the daemon's own doing, and shown: numbers, the day, the status file."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any, Callable

from attrs import Factory, define, evolve, field, frozen
from twisted.internet.defer import Deferred, DeferredLock

from vcycle import __version__
from vcycle.core.accounting.waiting import Waiting
from vcycle.core.config.model import Space
from vcycle.core.ends import End, end_of, kept, recalled
from vcycle.core.errors import VcycleError
from vcycle.core.machine import Outcome, Record
from vcycle.core.metrics import Readings, families
from vcycle.core.snapshot import Snapshot
from vcycle.core.tally import Tally
from vcycle.core.trend import Trend
from vcycle.core.view import MOST_ENDS, Shown, day, view
from vcycle.core.vitals import NAME, Failures, Pulse, vitals
from vcycle.interfaces import RunInThread
from vcycle.monitor.exposition import page
from vcycle.store.atomic import PUBLIC, write_file
from vcycle.store.halfwritten import half_written
from vcycle.store.jsonfile import read_object
from vcycle.store.layout import Unreadable
from vcycle.store.leftovers import leftovers
from vcycle.threads import PrivateThreads

DAY = "day.json"
LENT = ("volume", "export")
LOOK_SECONDS = 300.0

Row = Mapping[str, object]


@frozen(kw_only=True)
class Others:
    """
    What other parts of the daemon tell when they are asked. ``responder`` is whether other
    factories are heard, None where they need not be; ``images`` has for each image at least
    ``image`` (what it is called), ``confirmed_at`` and ``problem``; ``waiting`` are the accounting
    records that were not sent yet; ``problems`` are the daemon's, of no space.
    """

    responder: Callable[[], bool | None] = lambda: None
    queries: Callable[[], Mapping[str, int]] = dict
    hung: Callable[[], Mapping[str, int]] = dict
    images: Callable[[], Iterable[Row]] = tuple
    waiting: Callable[[], Awaitable[Waiting]] | None = None
    problems: Callable[[], Iterable[str]] = tuple


@define(eq=False)
class Monitoring:
    """
    Told of everything on the reactor thread; what is made of it is made in threads: documents by
    ``in_thread``, files by ``files``. ``clock`` gives Unix seconds.
    """

    state_dir: str
    files: RunInThread
    in_thread: RunInThread
    clock: Callable[[], float]
    tally: Tally = Factory(Tally)
    others: Others = Factory(Others)
    changed: Callable[[bool], None] = lambda anew: None
    listeners: Callable[[], int] = int
    trend: Trend = field(factory=Trend, init=False)
    _pulses: dict[str, Pulse] = field(factory=dict, init=False)
    _ends: dict[str, deque[End]] = field(factory=dict, init=False)
    _leaks: Mapping[str, int] = field(factory=dict, init=False)
    _accounting: Row | None = field(default=None, init=False)
    _looked_at: float | None = field(default=None, init=False)
    _writing: DeferredLock = field(factory=DeferredLock, init=False)
    _started_at: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._started_at = self.clock()

    def publish(self, snapshot: Snapshot) -> None:
        """From now on this is the space's snapshot."""
        name, now = snapshot.space.name, snapshot.taken_at
        former = self._pulses.get(name, Pulse(snapshot=snapshot, since=self._started_at))
        failures = former.failures
        if failures.at is not None and _started_since(snapshot, failures.at):
            failures = Failures()
        self._pulses[name] = evolve(
            former,
            snapshot=snapshot,
            answered_at=now if snapshot.answered else former.answered_at,
            failures=failures,
        )
        counts: dict[str, int] = {}
        for reviewed in snapshot.machines:
            kind = reviewed.record.machinetype
            counts[kind] = counts.get(kind, 0) + 1
        anew = self.trend.note(name, now, counts)
        if anew:
            self._aside(self.keep())
        self._aside(self._look())
        self.changed(anew)

    def withdraw(self, space: str) -> None:
        """The space is no more."""
        self._pulses.pop(space, None)
        self._ends.pop(space, None)
        self.trend.withdraw(space)
        self.changed(True)

    def ended(self, space: Space, record: Record) -> None:
        """A machine is over."""
        self.tally.ended(record)
        end = end_of(record)
        self.trend.ended(space.name, self.clock(), record.abort)
        self._ends.setdefault(space.name, deque(maxlen=MOST_ENDS)).appendleft(end)
        pulse = self._pulses.get(space.name)
        if record.outcome is Outcome.NEVER_STARTED and pulse is not None:
            failures = Failures(
                count=pulse.failures.count + 1, at=end.at, text=end.message or end.outcome
            )
            self._pulses[space.name] = evolve(pulse, failures=failures)

    async def last(self, snapshot: Snapshot) -> None:
        """
        The status file, last of all in a cycle.

        :raises StoreError: it is as it was.
        """
        await self._writing.acquire()
        try:
            pulses, now = tuple(self._pulses.values()), self.clock()
            hears = self.others.responder()
            responder = None if hears is None else {"heartbeat": round(now, 3) if hears else None}
            images, accounting = tuple(self.others.images()), self._accounting
            problems = tuple(self.others.problems())

            def write() -> None:
                text = vitals(
                    pulses,
                    written=now,
                    version=__version__,
                    responder=responder,
                    images=images,
                    accounting=accounting,
                    problems=problems,
                )
                # Read by others while we live; after a crash of the host it says nothing.
                write_file(os.path.join(self.state_dir, NAME), text, PUBLIC, durable=False)

            await self.files(write)
        finally:
            self._writing.release()

    async def view(self) -> bytes:
        """What is now, for the page. :raises VcycleError: it could not be made."""
        shown = Shown(
            version=__version__,
            written=self.clock(),
            snapshots=self._snapshots(),
            ends={space: tuple(ends) for space, ends in self._ends.items()},
            images=tuple(self.others.images()),
            accounting=self._accounting,
            problems=tuple(self.others.problems()),
        )
        return await self.in_thread(lambda: view(shown))

    async def day(self) -> bytes:
        """The last day, for the page. :raises VcycleError: it could not be made."""
        now, spaces = self.clock(), tuple(self._pulses)
        trend = self.trend.copy()
        return await self.in_thread(lambda: day(trend, spaces, now))

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        """The page of numbers, and its type. :raises VcycleError: it could not be made."""
        accounting = self._accounting
        readings = Readings(
            version=__version__,
            started_at=self._started_at,
            snapshots=self._snapshots(),
            tally=self.tally.copy(),
            queries=self.others.queries(),
            leaks=self._all_leaks(),
            hung=self.others.hung(),
            images={
                str(row.get("image")): (_number(row, "confirmed_at"), bool(row.get("problem")))
                for row in self.others.images()
            },
            accounting=None
            if accounting is None
            else (int(_number(accounting, "waiting") or 0), _number(accounting, "oldest")),
            listeners=self.listeners(),
        )
        return await self.in_thread(lambda: page(accept, lambda: families(readings)))

    async def recall(self) -> None:
        """The last day as a former daemon kept it, if it did."""
        path, now = os.path.join(self.state_dir, DAY), self.clock()
        try:
            found = await self.files(lambda: read_object(path))
        except (VcycleError, Unreadable):
            return
        self.trend.recall(found, now)
        spaces = found.get("ends")
        for space, rows in spaces.items() if isinstance(spaces, dict) else ():
            ends = self._ends.setdefault(str(space), deque(maxlen=MOST_ENDS))
            ends.extend(list(recalled(rows))[: MOST_ENDS - len(ends)])

    async def keep(self) -> None:
        """Keep the last day. :raises StoreError: the former one is still there."""
        trend, path = self.trend.copy(), os.path.join(self.state_dir, DAY)
        ends = {space: tuple(ends) for space, ends in self._ends.items()}

        def write() -> None:
            whole = {**trend.kept(), "ends": {space: kept(of) for space, of in ends.items()}}
            write_file(path, json.dumps(whole).encode("ascii"), durable=False)

        await self.files(write)

    async def _look(self) -> None:
        """Now and then: what nobody owns, and what waits to be sent."""
        now = self.clock()
        if self._looked_at is not None and 0 <= now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        living = {
            snapshot.space.name: frozenset(
                reviewed.record.directory for reviewed in snapshot.machines
            )
            for snapshot in self._snapshots()
        }
        self._leaks = await self.files(lambda: _leaks(self.state_dir, living, now))
        if self.others.waiting is not None:
            waiting = await self.others.waiting()
            self._accounting = {"waiting": waiting.count, "oldest": waiting.oldest}

    def _all_leaks(self) -> Mapping[str, int]:
        snapshots = self._snapshots()
        counts = {**self._leaks, "machine": sum(s.unclaimed for s in snapshots)}
        # Spaces may share a pool.
        left = {each for snapshot in snapshots for each in snapshot.left}
        return {**counts, **{kind: sum(k == kind for k, _ in left) for kind in LENT}}

    def _snapshots(self) -> tuple[Snapshot, ...]:
        return tuple(pulse.snapshot for pulse in self._pulses.values())

    def _aside(self, work: Any) -> None:
        """Have something done of which nothing else depends."""
        Deferred.fromCoroutine(work).addErrback(lambda failure: failure.trap(VcycleError))


def _leaks(state_dir: str, living: Mapping[str, frozenset[str]], now: float) -> Mapping[str, int]:
    """What nobody owns, by kind; blocks."""
    counts = {"disk": 0, "directory": 0, "space": 0, "file": half_written(state_dir, now)}
    for each in leftovers(state_dir, living):
        kind = str(each["kind"])
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def hung(pools: Mapping[str, RunInThread]) -> dict[str, int]:
    """How many threads of each pool were given up."""
    return {name: pool.hung for name, pool in pools.items() if isinstance(pool, PrivateThreads)}


def _started_since(snapshot: Snapshot, at: float) -> bool:
    starts = (reviewed.record.started_at for reviewed in snapshot.machines)
    return any(started is not None and started > at for started in starts)


def _number(row: Row, key: str) -> float | None:
    value = row.get(key)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(str(value)) if is_number else None
