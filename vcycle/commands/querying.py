"""Asking factories over plain sockets."""

from __future__ import annotations

import os
import selectors
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing

from attrs import define, field

from vcycle.commands.choosing import Chosen
from vcycle.commands.datagrams import Datagrams
from vcycle.commands.resolving import Resolved, resolve
from vcycle.commands.signing import signed, verified
from vcycle.commands.views.gathered import Gathered
from vcycle.core.asking.round import Round
from vcycle.core.asking.target import Address
from vcycle.core.vacquery.messages import (
    Answer,
    FactoryStatus,
    Kind,
    MachineStatus,
    MachinetypeStatus,
)
from vcycle.daemon.instants import steady, wall

RESOLVING_SHARE = 0.5
"""Names may take this share of the time, so that some is left for those that are resolved."""

IDLE = 0.05
"""Seconds without an answer after which nothing is expected of a host that refuses."""

_TOLD: Mapping[Kind, type[Answer]] = {
    Kind.MACHINES: MachineStatus,
    Kind.MACHINETYPES: MachinetypeStatus,
    Kind.FACTORY: FactoryStatus,
}

Progress = Callable[[int], None]
"""Told from time to time how many factories have said anything."""


def gather(
    chosen: Chosen,
    kinds: Sequence[Kind],
    progress: Progress = lambda answered: None,
    resolve: Callable[[Collection[str], int, float], Resolved] = resolve,
) -> Gathered:
    """Ask all factories for all kinds at a time; it takes the chosen seconds at most."""
    start = steady()
    resolved = resolve(chosen.factories, chosen.port, chosen.seconds * RESOLVING_SHARE)
    with ExitStack() as stack:
        talks = []
        for kind in kinds:
            datagrams = stack.enter_context(closing(Datagrams()))
            talks.append(_talk(chosen, kind, resolved.addresses, datagrams, start))
        _talk_all(talks, progress)
    answers = tuple(answer for talk in talks for answer in talk.answers())
    unreachable: dict[str, str] = {}
    for talk in talks:
        for name, reason in talk.missing():
            unreachable.setdefault(name, reason)
    unreachable.update(resolved.unknown)
    return Gathered(
        chosen=chosen,
        answers=answers,
        unreachable={name: unreachable[name] for name in chosen.factories if name in unreachable},
        taken_at=wall(),
        seconds=steady() - start,
    )


@define(eq=False, kw_only=True)
class _Talk:
    """A round of one kind, and its socket."""

    kind: Kind
    round: Round
    datagrams: Datagrams
    addresses: Mapping[str, Collection[Address]]
    alive: set[str] = field(factory=set, init=False)
    over: bool = field(default=False, init=False)

    def send(self) -> float | None:
        """Send what is due; when there will be more, None when it is over."""
        while not self.over:
            now = steady()
            sending, wake = self.round.wants(now)
            if wake is None:
                self.over = True
            for datagram in sending:
                reason = self.datagrams.send(datagram)
                if reason is not None:
                    self.round.unsent(datagram[1], reason)
            if not sending:
                return wake
        return None

    def receive(self) -> None:
        now = steady()
        for content, address in self.datagrams.received():
            answer = self.round.received(content, address, now)
            if answer is not None:
                self.alive.add(answer.factory)

    def look(self) -> None:
        """It is over too if nobody is left but hosts that refuse."""
        refused = self.datagrams.refused
        if refused and not self.over:
            self.over = all(
                all(address in refused for address in self.addresses[name])
                for name in self._incomplete()
            )

    def answers(self) -> Iterator[Answer]:
        """Those of its kind: a round also asks the silent for their status, as a sign of life."""
        for answer in self.round.result().answers:
            if isinstance(answer, _TOLD[self.kind]):
                yield answer

    def missing(self) -> Iterator[tuple[str, str]]:
        """Who told nothing, or not all, and why; the hosts' own reasons go before ours."""
        refused = self.datagrams.refused
        for name, reason in self._incomplete().items():
            told = [
                f"{host}:{port}: {refused[host, port]}"
                for host, port in self.addresses[name]
                if (host, port) in refused
            ]
            yield name, "; ".join(told) or reason

    def _incomplete(self) -> dict[str, str]:
        result = self.round.result()
        return {**result.partial, **result.silent}


def _talk(
    chosen: Chosen,
    kind: Kind,
    addresses: Mapping[str, Collection[Address]],
    datagrams: Datagrams,
    start: float,
) -> _Talk:
    talk = Round(
        kind,
        chosen.space,
        addresses,
        salt=os.urandom(32).hex(),
        now=start,
        timeout=chosen.seconds,
        window=datagrams.window,
        encode=signed(chosen.secret),
        decode=verified(chosen.secret, chosen.only_signed),
    )
    return _Talk(kind=kind, round=talk, datagrams=datagrams, addresses=addresses)


def _talk_all(talks: Sequence[_Talk], progress: Progress) -> None:
    with selectors.DefaultSelector() as selector:
        for talk in talks:
            selector.register(talk.datagrams, selectors.EVENT_READ, talk)
        while True:
            wakes = [wake for wake in [talk.send() for talk in talks] if wake is not None]
            if not wakes:
                return
            heard = selector.select(max(0.0, min(*wakes, steady() + IDLE) - steady()))
            for each, _ in heard:
                each.data.receive()
            if not heard:
                for talk in talks:
                    talk.look()
                progress(max(len(talk.alive) for talk in talks))
