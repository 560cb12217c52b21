"""The promises of IMachineProvider, to be run against every provider."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Coroutine
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from attrs import evolve
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from tests.contracts.specs import OWNER, named, record, spec, uuid
from vcycle.core.errors import BadRequest, NameTaken, ProviderError
from vcycle.core.machine import Capacity, Condition, Sighting, Spec, Survey, Traits
from vcycle.interfaces import IMachineProvider

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase as Base
else:
    Base = ABC

Self = TypeVar("Self")


def story(test: Callable[[Self], Coroutine[Any, Any, None]]) -> Callable[[Self], Deferred[None]]:
    """Run an async test method as trial wants it."""

    def run(self: Self) -> Deferred[None]:
        return Deferred.fromCoroutine(test(self))

    run.__doc__ = test.__doc__
    return run


class ProviderContract(Base):
    """Mix into a TestCase that sets ``self.provider`` in ``setUp`` and makes the rest true."""

    provider: IMachineProvider

    def spec(self, number: int, **changes: Any) -> Spec:
        """A request that this provider can fulfil."""
        return spec(number, **changes)

    @abstractmethod
    async def foreign(self, number: int, name: str) -> None:
        """Make a machine behind the provider's back that is nobody of Vcycle's."""

    @abstractmethod
    async def perish(self, number: int) -> None:
        """Let a machine end by itself, and wait until events have told of it."""

    async def settle(self, happened: Callable[[], bool]) -> None:
        """Wait until events that are under way have arrived."""

    async def look(self, *expected: int) -> tuple[dict[str, Sighting], Survey]:
        """A survey and, of its sightings, those that these tests made, by uuid."""
        seen: Survey = await self.provider.survey([uuid(n) for n in expected])
        ours = {uuid(n) for n in range(100)}
        return {s.uuid: s for s in seen.sightings if s.uuid in ours}, seen

    async def refused(self, kind: type[ProviderError], asked: Awaitable[object]) -> ProviderError:
        """Require that what was asked is refused in exactly this manner."""
        try:
            await asked
        except ProviderError as error:
            self.assertIs(kind, type(error), error)
            self.assertTrue(str(error))
            return error
        raise self.failureException(f"{kind.__name__} was not raised")

    def test_interface(self) -> None:
        """It declares and provides the whole interface, and says how it is to be read."""
        self.assertTrue(verifyObject(IMachineProvider, self.provider))
        self.assertIsInstance(self.provider.traits, Traits)

    @story
    async def test_created(self) -> None:
        """A machine is listed once it is created, with its name, size and whole mark."""
        wanted = self.spec(1, processors=2)
        await self.provider.create(wanted)
        listed, seen = await self.look(1)
        self.assertTrue(seen.complete)
        sighting = listed[uuid(1)]
        self.assertEqual(wanted.record.name, sighting.name)
        self.assertEqual(wanted.mark, sighting.mark)
        self.assertEqual(2, sighting.processors)
        self.assertEqual(wanted.record.memory_mb, sighting.memory_mb)
        self.assertIs(Condition.RUNNING, sighting.condition)
        self.assertGreaterEqual(sighting.cpu_seconds, 0.0)
        self.assertEqual(frozenset(), seen.absent)

    @story
    async def test_created_twice(self) -> None:
        """To ask again for a machine that exists changes nothing."""
        for _ in range(2):
            await self.provider.create(self.spec(1))
        listed, _ = await self.look()
        self.assertEqual([uuid(1)], list(listed))

    @story
    async def test_together(self) -> None:
        """Machines asked for at once are all made."""

        async def create(number: int) -> None:
            await self.provider.create(self.spec(number))

        for waiting in [Deferred.fromCoroutine(create(n)) for n in range(4)]:
            await waiting
        listed, _ = await self.look()
        self.assertEqual({uuid(n) for n in range(4)}, set(listed))

    @story
    async def test_name_taken(self) -> None:
        """A name in use is refused, and the machine that has it stays as it was."""
        await self.provider.create(self.spec(1))
        again = named(self.spec(2), record(1).name)
        await self.refused(NameTaken, self.provider.create(again))
        listed, _ = await self.look()
        self.assertEqual([uuid(1)], list(listed))

    @story
    async def test_name_foreign(self) -> None:
        """The name of a foreign machine is refused too."""
        await self.foreign(7, "factory1-01.example.com")
        await self.refused(NameTaken, self.provider.create(self.spec(1)))

    @story
    async def test_uuid_taken(self) -> None:
        """The uuid of a foreign machine, or of another owner's, is refused."""
        await self.foreign(1, "stranger")
        await self.refused(NameTaken, self.provider.create(self.spec(1)))
        await self.provider.create(self.spec(2, owner="elsewhere"))
        await self.refused(NameTaken, self.provider.create(self.spec(2)))

    @story
    async def test_bad_name(self) -> None:
        """A name that no machine can have is the request's fault, and makes no machine."""
        await self.refused(BadRequest, self.provider.create(named(self.spec(1), "a\x01b")))
        listed, _ = await self.look()
        self.assertEqual({}, listed)

    @story
    async def test_destroyed(self) -> None:
        """A machine is gone once it is destroyed, and to destroy it again is no error."""
        await self.provider.create(self.spec(1))
        for _ in range(2):
            await self.provider.destroy(record(1), OWNER)
            listed, seen = await self.look(1)
            self.assertEqual({}, listed)
            self.assertEqual({uuid(1)}, seen.absent)

    @story
    async def test_successor(self) -> None:
        """A name is free again after its machine; to destroy the old one spares the new."""
        await self.provider.create(self.spec(1))
        await self.provider.destroy(record(1), OWNER)
        await self.provider.create(named(self.spec(2), record(1).name))
        await self.provider.destroy(record(1), OWNER)
        listed, _ = await self.look()
        self.assertEqual([uuid(2)], list(listed))

    @story
    async def test_promise_3_foreign_machine_is_never_destroyed(self) -> None:
        """A machine is left alone unless its uuid, name and owner's mark all agree."""
        await self.foreign(1, "stranger")
        await self.foreign(2, record(2).name)
        await self.provider.create(self.spec(3))
        for wrong, owner in (
            (record(1), OWNER),
            (record(2), OWNER),
            (record(3), "elsewhere"),
            (record(3, name="other.example.com"), OWNER),
        ):
            await self.refused(NameTaken, self.provider.destroy(wrong, owner))
        listed, _ = await self.look()
        self.assertEqual({uuid(1), uuid(2), uuid(3)}, set(listed))

    @story
    async def test_foreign_listed(self) -> None:
        """Foreign machines are listed, without a mark."""
        await self.foreign(1, "stranger")
        listed, _ = await self.look()
        self.assertIsNone(listed[uuid(1)].mark)
        self.assertEqual("stranger", listed[uuid(1)].name)

    @story
    async def test_absent(self) -> None:
        """Of the expected, exactly those that do not exist are absent."""
        await self.provider.create(self.spec(1))
        _, seen = await self.look(1, 2, 3)
        self.assertEqual({uuid(2), uuid(3)}, seen.absent)

    @story
    async def test_lookup(self) -> None:
        """One machine can be looked up; one that does not exist is None."""
        await self.provider.create(self.spec(1))
        await self.foreign(2, "stranger")
        listed, _ = await self.look()
        for number in (1, 2):
            found: Sighting | None = await self.provider.lookup(uuid(number))
            assert found is not None
            self.assertEqual(
                evolve(listed[uuid(number)], cpu_seconds=0.0), evolve(found, cpu_seconds=0.0)
            )
        self.assertIsNone(await self.provider.lookup(uuid(3)))

    @story
    async def test_capacity(self) -> None:
        """What there is in all is positive where it is known."""
        room: Capacity = await self.provider.capacity()
        self.assertTrue(room.processors is None or room.processors > 0)
        self.assertTrue(room.memory_mb is None or room.memory_mb > 0)

    @story
    async def test_watch(self) -> None:
        """Who watches hears of a machine that was made, and of one that ended."""
        heard: list[str] = []
        self.provider.watch(heard.append)
        await self.provider.create(self.spec(1))
        await self.settle(lambda: uuid(1) in heard)
        del heard[:]
        await self.perish(1)
        await self.settle(lambda: uuid(1) in heard)

    @story
    async def test_ending(self) -> None:
        """A machine that ended by itself is absent, and its ending is told."""
        await self.provider.create(self.spec(1))
        await self.perish(1)
        listed, seen = await self.look(1)
        self.assertEqual({}, listed)
        self.assertEqual({uuid(1)}, seen.absent)
        self.assertLessEqual(seen.endings[uuid(1)].at, seen.taken_at)
