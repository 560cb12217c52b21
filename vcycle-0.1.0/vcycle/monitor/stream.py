"""Pages that are open, and what they are sent as it changes: server-sent events, bounded."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.task import LoopingCall
from zope.interface import implementer

MOST = 64
"""Pages that are open at one time; the next one is asked to look now and then instead."""

BEAT_SECONDS = 20.0
"""How often something is said, so that both sides notice when the other is gone."""

SLOW_BEATS = 3
"""Who takes nothing for so many beats is cut."""

RETRY = b"retry: 3000\n\n"
BEAT = b": alive\n\n"


@implementer(IPushProducer)
@define(eq=False)
class Listener:
    """One open page. What it did not take yet is kept in its newest form alone."""

    request: Any
    _waiting: dict[str, bytes] = field(factory=dict, init=False)
    _paused: bool = field(default=False, init=False)
    _idle: int = field(default=0, init=False)
    over: bool = field(default=False, init=False)

    def send(self, event: str, document: bytes) -> None:
        """A document without line ends, under the name of an event."""
        self._waiting[event] = b"event: %b\ndata: %b\n\n" % (event.encode("ascii"), document)
        self._flush()

    def beat(self) -> None:
        """A sign of life, or the end of one who does not take anything."""
        if self._paused:
            self._idle += 1
            if self._idle >= SLOW_BEATS:
                self.cut()
        elif not self.over:
            self.request.write(BEAT)

    def cut(self) -> None:
        """End it at once."""
        if not self.over:
            self.over = True
            self.request.channel.abortConnection()

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False
        self._idle = 0
        self._flush()

    def stopProducing(self) -> None:
        self.over = True

    def _flush(self) -> None:
        while self._waiting and not self._paused and not self.over:
            event = next(iter(self._waiting))
            self.request.write(self._waiting.pop(event))


class Stream:
    """All open pages."""

    def __init__(self, reactor: IReactorTime) -> None:
        self._listeners: set[Listener] = set()
        self._beats = LoopingCall(self._beat)
        self._beats.clock = reactor

    def __len__(self) -> int:
        return len(self._listeners)

    def start(self) -> None:
        self._beats.start(BEAT_SECONDS, now=False)

    def stop(self) -> None:
        """Cut all of them."""
        if self._beats.running:
            self._beats.stop()
        for listener in list(self._listeners):
            listener.cut()

    def admit(self, request: Any) -> Listener | None:
        """One more, whose headers are set; None if there are as many as there may be."""
        if len(self._listeners) >= MOST:
            return None
        listener = Listener(request)
        self._listeners.add(listener)
        request.notifyFinish().addBoth(self._leave, listener)
        request.registerProducer(listener, True)
        request.write(RETRY)
        return listener

    def tell(self, event: str, document: bytes) -> None:
        """All of them."""
        for listener in list(self._listeners):
            listener.send(event, document)

    def _leave(self, _: object, listener: Listener) -> None:
        listener.over = True
        self._listeners.discard(listener)

    def _beat(self) -> None:
        for listener in list(self._listeners):
            listener.beat()
