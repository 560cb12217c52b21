"""What the daemon holds in memory of one space; all of it that has to last is on disk too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import define, evolve, field

from vcycle.core.backoff import History, moved_history
from vcycle.core.clock import moved
from vcycle.core.machine import Doom, Record, Traces
from vcycle.core.remembering import Memory, recall, restored
from vcycle.interfaces import Contents


@define
class Knowledge:
    """
    Records and traces by uuid, histories by machinetype.

    ``blocked`` gives for a machinetype why it cannot work until the configuration changes.
    ``unsaved`` are records whose last write failed. ``clock`` counts the clock steps that
    all times here include; ``served_since`` is None while machines cannot reach us. ``asked`` are
    the dooms that an administrator asked for, by uuid, until they are in the records.
    """

    records: dict[str, Record] = field(factory=dict)
    traces: dict[str, Traces] = field(factory=dict)
    histories: dict[str, History] = field(factory=dict)
    blocked: dict[str, str] = field(factory=dict)
    unsaved: set[str] = field(factory=set)
    over: dict[int, Record] = field(factory=dict)
    asked: dict[str, Doom] = field(factory=dict)
    held: bool = False
    clock: int = 0
    served_since: float | None = None

    @classmethod
    def of(cls, contents: Contents, memory: Mapping[str, object]) -> Knowledge:
        """What a store held when it was opened."""
        recalled: Memory = recall(memory)
        records = {
            record.uuid: restored(record, recalled.pulses.get(record.uuid))
            for record in contents.records
        }
        return cls(
            records=records,
            traces=dict(contents.traces),
            histories=dict(recalled.histories),
            clock=recalled.clock,
        )

    def catch_up(self, steps: Sequence[float]) -> None:
        """
        Correct all times for clock steps, of which ``steps`` are all there ever were.

        Each record says how many it includes, so that a record written late or read early
        is never corrected twice. One that includes more than are remembered includes all that
        are: what was forgotten cannot be made up for.
        """
        now = len(steps)
        for uuid, record in self.records.items():
            if record.clock != now:
                self.records[uuid] = moved(record, sum(steps[record.clock :]), now)
        if self.clock >= now:
            self.clock = now
            return
        by = sum(steps[self.clock :])
        for name, history in self.histories.items():
            self.histories[name] = moved_history(history, by)
        for uuid, traces in self.traces.items():
            heard, said = traces.heartbeat_at, traces.message_at
            self.traces[uuid] = evolve(
                traces,
                heartbeat_at=None if heard is None else heard + by,
                message_at=None if said is None else said + by,
            )
        if self.served_since is not None:
            self.served_since += by
        self.clock = now

    def forget(self, record: Record) -> None:
        """A machine is over; only its slot remembers it."""
        self.records.pop(record.uuid, None)
        self.traces.pop(record.uuid, None)
        self.asked.pop(record.uuid, None)
        self.unsaved.discard(record.uuid)
        self.over[record.slot] = record
