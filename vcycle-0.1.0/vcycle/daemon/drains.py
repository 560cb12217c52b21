"""The drains that administrators ordered, in memory and on disk."""

from __future__ import annotations

from typing import Callable

from attrs import define, field
from twisted.internet.defer import DeferredLock

from vcycle.core.drains import Drain, decode, drained, encode, lasts
from vcycle.core.errors import StoreError
from vcycle.interfaces import RunInThread
from vcycle.store.jsonfile import read_object, write_object
from vcycle.store.layout import Unreadable


@define(eq=False)
class Drains:
    """
    Kept in the file at ``path``; what is changed is durable before it is told.

    A file that cannot be understood is an error each time it is asked for: nobody knows then
    what was to rest.
    """

    path: str
    in_thread: RunInThread
    clock: Callable[[], float]
    _known: tuple[Drain, ...] | None = None
    _changing: DeferredLock = field(factory=DeferredLock)

    async def known(self) -> tuple[Drain, ...]:
        """
        All drains that are not over.

        :raises StoreError: it is not known what is drained; the text says why, and the cure.
        """
        if self._known is None:
            self._known = await self.in_thread(self._read)
        now = self.clock()
        return tuple(drain for drain in self._known if lasts(drain, now))

    def _read(self) -> tuple[Drain, ...]:
        try:
            return decode(read_object(self.path))
        except (Unreadable, ValueError) as error:
            raise StoreError(
                f"{self.path} does not tell what is drained ({error}): remove it, and drain again"
            ) from None

    async def add(self, drain: Drain) -> None:
        """:raises StoreError: it could not be written, and holds for nobody."""
        await self._change(lambda former: drained(former, drain))

    async def end(self, space: str | None, machinetype: str | None) -> tuple[Drain, ...]:
        """
        End the drains of a target; gives those that were. Of a space those that are for all
        spaces stay. Raises as ``add``.
        """
        ended: list[Drain] = []

        def without(former: tuple[Drain, ...]) -> tuple[Drain, ...]:
            ended[:] = [drain for drain in former if drain.target == (space, machinetype)]
            return tuple(drain for drain in former if drain not in ended)

        await self._change(without)
        return tuple(ended)

    async def _change(self, change: Callable[[tuple[Drain, ...]], tuple[Drain, ...]]) -> None:
        await self._changing.acquire()
        try:
            changed = change(await self.known())
            await self.in_thread(lambda: write_object(self.path, encode(changed)))
            self._known = changed
        finally:
            self._changing.release()
