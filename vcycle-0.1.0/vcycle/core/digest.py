"""What a plan decided, in short: enough to tell two plans apart and to say how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from vcycle.core.observation import Plan


@frozen(kw_only=True)
class Digest:
    """
    ``verdicts`` are (word, text) by machinetype; ``create`` has machinetype, name, processors and
    shutdown time; ``destroy``, ``adopt`` and ``end`` have uuids.
    """

    veto: str | None
    verdicts: Mapping[str, tuple[str, str]]
    create: tuple[tuple[str, str, int, float], ...]
    destroy: tuple[str, ...]
    end: tuple[tuple[str, str, bool], ...]
    adopt: tuple[str, ...]

    def data(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "veto": self.veto,
            "verdicts": self.verdicts,
            "create": self.create,
            "destroy": self.destroy,
            "end": self.end,
            "adopt": self.adopt,
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Digest:
        """:raises KeyError, TypeError, ValueError: it is none."""
        return cls(
            veto=data["veto"],
            verdicts={str(n): (str(w), str(t)) for n, (w, t) in data["verdicts"].items()},
            create=tuple((str(m), str(n), int(p), float(u)) for m, n, p, u in data["create"]),
            destroy=tuple(map(str, data["destroy"])),
            end=tuple((str(u), str(o), bool(a)) for u, o, a in data["end"]),
            adopt=tuple(map(str, data["adopt"])),
        )

    @property
    def started(self) -> dict[str, int]:
        """How many machines of each machinetype were to be made."""
        counts: dict[str, int] = {}
        for machinetype, *_ in self.create:
            counts[machinetype] = counts.get(machinetype, 0) + 1
        return counts


def digest_of(plan: Plan) -> Digest:
    """The digest of a plan."""
    return Digest(
        veto=plan.veto,
        verdicts={verdict.machinetype: (verdict.word, verdict.text) for verdict in plan.verdicts},
        create=tuple(
            (c.machinetype.name, c.name, c.processors, c.shutdown_time) for c in plan.create
        ),
        destroy=tuple(record.uuid for record in plan.destroy),
        end=tuple(
            (r.uuid, "" if r.outcome is None else r.outcome.value, r.abort) for r in plan.end
        ),
        adopt=tuple(record.uuid for record in plan.adopt),
    )


def differences(was: Digest, now: Digest) -> Iterator[str]:
    """What the second plan does otherwise than the first, a line each; nothing for equal ones."""
    if was.veto != now.veto:
        yield f"veto: {now.veto or 'none'} (was: {was.veto or 'none'})"
    for name in dict.fromkeys((*was.verdicts, *now.verdicts)):
        yield from _of_one(name, was, now)
    for what, before, after in (
        ("destroyed", was.destroy, now.destroy),
        ("adopted", was.adopt, now.adopt),
        ("ended", [uuid for uuid, *_ in was.end], [uuid for uuid, *_ in now.end]),
    ):
        yield from (f"{uuid}: {what} (was not)" for uuid in after if uuid not in before)
        yield from (f"{uuid}: not {what} (was)" for uuid in before if uuid not in after)


def _of_one(name: str, was: Digest, now: Digest) -> Iterator[str]:
    before, after = was.verdicts.get(name), now.verdicts.get(name)
    if after is None:
        yield f"{name}: is not configured (was: {before[0] if before else '-'})"
    elif before is None:
        yield f"{name}: {_told(name, after, now)} (was not configured)"
    elif before[0] != after[0] or was.started.get(name) != now.started.get(name):
        yield f"{name}: {_told(name, after, now)} (was: {_told(name, before, was)})"
    elif _sizes(name, was) != _sizes(name, now):
        yield f"{name}: starts machines of other sizes or ends"


def _told(name: str, verdict: tuple[str, str], of: Digest) -> str:
    started = of.started.get(name, 0)
    return f"starts {started}" if started else f"{verdict[0]}: {verdict[1]}"


def _sizes(name: str, of: Digest) -> list[tuple[int, float]]:
    return [(processors, until) for n, _, processors, until in of.create if n == name]
