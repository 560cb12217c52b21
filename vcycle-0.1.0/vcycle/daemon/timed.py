"""A provider that tells how long its calls took."""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from typing import Callable, TypeVar

from attrs import define
from zope.interface import implementer

from vcycle.core.errors import CallTimedOut, OutcomeUnknown, Unreachable, VcycleError
from vcycle.core.machine import Capacity, Record, Sighting, Spec, Survey, Traits
from vcycle.interfaces import IMachineProvider

R = TypeVar("R")

Observer = Callable[[str, str, float], None]
"""Told of each call: which, what came of it, and after how many seconds."""


@implementer(IMachineProvider)
@define(eq=False)
class TimedProvider:
    """
    Another provider, each of whose calls is told to ``observe``; ``clock`` gives seconds of a
    clock that nobody sets. A survey that is not complete is a call that is "partial".
    """

    provider: IMachineProvider
    observe: Observer
    clock: Callable[[], float]

    @property
    def traits(self) -> Traits:
        return self.provider.traits

    async def survey(self, expected: Collection[str]) -> Survey:
        return await self._timed("survey", self.provider.survey(expected))

    async def create(self, spec: Spec) -> None:
        await self._timed("create", self.provider.create(spec))

    async def destroy(self, record: Record, owner: str) -> None:
        await self._timed("destroy", self.provider.destroy(record, owner))

    async def lookup(self, uuid: str) -> Sighting | None:
        return await self._timed("lookup", self.provider.lookup(uuid))

    async def capacity(self) -> Capacity:
        return await self._timed("capacity", self.provider.capacity())

    def watch(self, callback: Callable[[str], None]) -> None:
        self.provider.watch(callback)

    async def _timed(self, call: str, answer: Awaitable[R]) -> R:
        began, result = self.clock(), "broken"
        try:
            value = await answer
            whole = not isinstance(value, Survey) or value.complete
            result = "good" if whole else "partial"
            return value
        except VcycleError as error:
            result = _word(error)
            raise
        finally:
            self.observe(call, result, self.clock() - began)


def _word(error: VcycleError) -> str:
    if isinstance(error, (OutcomeUnknown, CallTimedOut)):
        return "unknown"
    return "unreachable" if isinstance(error, Unreachable) else "refused"
