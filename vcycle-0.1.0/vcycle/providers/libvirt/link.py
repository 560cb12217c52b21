"""One open connection, counted in and out of."""

from __future__ import annotations

from contextlib import suppress
from threading import Lock, Thread
from typing import Callable, TypeVar

import libvirt
from attrs import define, field

from vcycle.core.errors import Unreachable
from vcycle.providers.libvirt.embed import root_of

R = TypeVar("R")

_lock = Lock()
_embedded: dict[str, libvirt.virConnect] = {}


@define(eq=False)
class Link:
    """
    An open connection, closed by whoever leaves it last once it is retired.

    libvirt frees a connection under the feet of calls that are still in it; so they are counted.
    A ``lasting`` connection is shared and never closed.
    """

    @classmethod
    def open(cls, uri: str) -> Link:
        """
        In a thread: a new connection, or the process's only one to the embedded driver.

        libvirt registers that driver anew whenever it is opened, and has room for about
        twenty: hence state of this module.

        :raises libvirt.libvirtError: it cannot be opened.
        """
        if root_of(uri) is None:
            return cls(libvirt.open(uri))
        with _lock:
            if uri not in _embedded:
                _embedded[uri] = libvirt.open(uri)
            return cls(_embedded[uri], lasting=True)

    connection: libvirt.virConnect
    lasting: bool = False
    events: int | None = None
    _calls: int = 0
    _retired: bool = False
    _lock: Lock = field(factory=Lock)

    def use(self, work: Callable[[libvirt.virConnect], R]) -> R:
        """In a thread: do the work, and close the connection if it was retired meanwhile."""
        with self._lock:
            if self._retired:
                raise Unreachable("the connection was closed before the call began")
            self._calls += 1
        try:
            return work(self.connection)
        finally:
            if self._leave():
                self._close()

    def retire(self) -> None:
        """Let nobody use it any more; waits for nothing."""
        with self._lock:
            close = not self._calls and not self._retired
            self._retired = True
        if close:
            # A close is a question to the daemon like any other, and may hang like any.
            Thread(target=self._close, name="libvirt-close", daemon=True).start()

    def _leave(self) -> bool:
        with self._lock:
            self._calls -= 1
            return self._retired and not self._calls

    def _close(self) -> None:
        if not self.lasting:
            with suppress(libvirt.libvirtError):
                self.connection.unregisterCloseCallback()
        if self.events is not None:
            with suppress(libvirt.libvirtError):
                self.connection.domainEventDeregisterAny(self.events)
        if not self.lasting:
            with suppress(libvirt.libvirtError):
                self.connection.close()
