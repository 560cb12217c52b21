"""One round of questions: what to send when, which answers count, and when it is over."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection, Mapping
from typing import Callable

from attrs import Factory, frozen

from vcycle.core.asking.target import Address, Heard, Target
from vcycle.core.asking.window import Window
from vcycle.core.errors import MalformedQuery
from vcycle.core.vacquery.cookie import cookie_for
from vcycle.core.vacquery.decode import decode_answer
from vcycle.core.vacquery.encode import encode_query
from vcycle.core.vacquery.messages import Answer, Kind, Query

BURST = 64
"""The most queries that are sent before answers are looked at again."""

WINDOW = 90
"""Answers under way at a time: what a socket's buffer holds where nobody enlarged it."""

MAX_TROUBLE = 200
"""The most characters that are told of an answer which made no sense."""

Datagram = tuple[bytes, Address]


@frozen(kw_only=True)
class Gathered:
    """
    What came of a round. ``heard`` has a row for each factory that is alive, some of them empty.

    ``silent`` are the factories that told nothing, and ``partial`` those that told less than
    they announced, each with the reason in words.
    """

    heard: Mapping[str, tuple[Heard, ...]] = Factory(dict)
    silent: Mapping[str, str] = Factory(dict)
    partial: Mapping[str, str] = Factory(dict)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """All answers, factory by factory."""
        return tuple(heard.answer for row in self.heard.values() for heard in row)


class Round:
    """
    Asks each of ``factories``, names with all their addresses, for one ``kind`` of answers.

    It touches no socket and no clock: ``wants`` gives what to send, ``received`` is told what
    came, and ``now`` are seconds of any clock that only goes forward. It is over ``timeout``
    seconds after its first moment at the latest, whatever is sent to it.

    An answer counts if it comes from an address of the factory that it names, with the cookie
    made for that factory. Those in ``quiet`` were silent before, and are given less time.
    ``window`` bounds the answers that are under way at a time, so that a socket's buffer
    holds them; ``salt`` must be new for each round and hard to guess.
    """

    def __init__(
        self,
        kind: Kind,
        space: str,
        factories: Mapping[str, Collection[Address]],
        *,
        salt: str,
        now: float,
        timeout: float,
        quiet: Collection[str] = (),
        window: int = WINDOW,
        encode: Callable[[Query], bytes] = encode_query,
        decode: Callable[[bytes], Answer] = decode_answer,
    ) -> None:
        self._kind = kind
        self._space = space
        self._encode = encode
        self._decode = decode
        self._deadline = now + timeout
        self._window = Window(window, kind)
        self._targets: dict[str, Target] = {}
        self._at: dict[Address, list[str]] = {}
        silent = {name.lower() for name in quiet}
        for name, addresses in factories.items():
            lower = name.lower()
            self._targets[lower] = Target(
                name=name,
                addresses=tuple(addresses),
                cookie=cookie_for(salt, name),
                kind=kind,
                quiet=lower in silent,
                next_at=now if addresses else None,
                deadline=self._deadline,
            )
            for address in set(addresses):
                self._at.setdefault(address, []).append(lower)
        self._cookies = {name: t.cookie.encode("ascii") for name, t in self._targets.items()}
        self._open = sum(not target.settled for target in self._targets.values())
        self._ready = deque(name for name, each in self._targets.items() if not each.settled)
        self._timers: list[tuple[float, str]] = []

    def finished(self, now: float) -> bool:
        """Nothing more is expected, or the time is over."""
        return not self._open or now >= self._deadline

    def wants(self, now: float) -> tuple[list[Datagram], float | None]:
        """
        What to send now, and when to ask again at the latest; None once it is finished.

        Asking sooner does no harm, and after answers it gives more to send.
        """
        sending: list[Datagram] = []
        if self.finished(now):
            return sending, None
        self._window.pass_by(now)
        self._fall_due(now)
        while self._ready and len(sending) < BURST:
            target = self._targets[self._ready[0]]
            # An answer may have changed its plans while it waited here.
            mine = target.next_at is not None and target.next_at <= now
            if mine and not self._window.admits(target):
                break
            self._ready.popleft()
            if mine:
                sending += self._ask(target, now)
        return sending, self._wake(now)

    def received(self, datagram: bytes, address: Address, now: float) -> Answer | None:
        """The answer in a datagram, if it counts; all else is as if it had never come."""
        names = self._at.get(address)
        if names is None or self.finished(now):
            return None
        # Forgeries cost no more than this: the cookie is all that they cannot know.
        if not any(self._cookies[name] in datagram for name in names):
            return None
        try:
            answer = self._decode(datagram)
        except MalformedQuery as error:
            self._note(names, f"an answer made no sense: {error}")
            return None
        name = answer.factory.lower()
        if answer.space != self._space:
            return None
        if name not in names:
            asked = [each for each in names if self._targets[each].cookie == answer.cookie]
            self._note(asked, f"who answers there calls itself {answer.factory}")
            return None
        target = self._targets[name]
        if answer.cookie != target.cookie or target.settled:
            return None
        before = target.next_at
        taken = target.take(answer, now)
        self._window.landed(target)
        self._follow(target, before)
        return answer if taken else None

    def unsent(self, address: Address, reason: str) -> None:
        """A datagram could not be sent; it is tried again like one that was lost."""
        self._note(self._at.get(address, ()), f"it cannot be asked: {reason}")

    def result(self) -> Gathered:
        """What was gathered so far."""
        heard: dict[str, tuple[Heard, ...]] = {}
        silent: dict[str, str] = {}
        partial: dict[str, str] = {}
        for target in self._targets.values():
            if not target.alive:
                silent[target.name] = target.why() if target.addresses else "it has no address"
                continue
            status = () if target.status is None else (target.status,)
            heard[target.name] = (*target.answers.values(), *status)
            if not target.whole:
                partial[target.name] = target.why()
        return Gathered(heard=heard, silent=silent, partial=partial)

    def _ask(self, target: Target, now: float) -> list[Datagram]:
        kinds = target.due(now)
        self._follow(target, None)
        if not kinds:
            return []
        address = target.addresses[(target.tries - 1) % len(target.addresses)]
        self._window.left(target, len(kinds) - 1, now)
        return [
            (self._encode(Query(kind=kind, space=self._space, cookie=target.cookie)), address)
            for kind in kinds
        ]

    def _follow(self, target: Target, before: float | None) -> None:
        """Keep the timers in step with a target that was just told something."""
        if target.next_at is None:
            self._open -= 1
            self._window.done(target)
        elif target.next_at != before:
            heapq.heappush(self._timers, (target.next_at, target.name.lower()))

    def _fall_due(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            at, name = heapq.heappop(self._timers)
            # A timer that was overtaken by an answer is not the target's own any more.
            if self._targets[name].next_at == at:
                self._ready.append(name)

    def _wake(self, now: float) -> float | None:
        if self.finished(now):
            return None
        times = [self._deadline]
        if self._timers:
            times.append(self._timers[0][0])
        if self._ready:
            blocked = not self._window.admits(self._targets[self._ready[0]])
            times.append(self._window.next_at(now) if blocked else now)
        return min(times)

    def _note(self, names: Collection[str], text: str) -> None:
        for name in names:
            self._targets[name].trouble = text[:MAX_TROUBLE]
