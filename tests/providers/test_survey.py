"""Tests for vcycle.providers.libvirt.survey: what libvirt's test driver never does by itself."""

from __future__ import annotations

from typing import Any, Callable

import libvirt
from attrs import define
from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.specs import spec, uuid
from vcycle.core.domain import Platform, domain_xml
from vcycle.core.errors import Malformed
from vcycle.core.mark import NAMESPACE
from vcycle.providers.libvirt.eventloop import start_event_loop
from vcycle.providers.libvirt.survey import look

TEST = Platform(domain_type="test", arch=None, network=None, cpu_mode=None)


@define
class Meddler:
    """libvirt's own connection, with something happening right after it was listed."""

    connection: Any
    between: Callable[[], None] = lambda: None
    stats: Any = None

    def getAllDomainStats(self, *arguments: int) -> Any:
        listed = self.connection.getAllDomainStats(*arguments)
        self.between()
        if self.stats is not None:
            return [(domain, self.stats) for domain, _ in listed]
        return listed

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


class Measureless:
    """A domain that libvirt can list, but not measure."""

    def __init__(self, domain: Any) -> None:
        self._domain = domain

    def info(self) -> Any:
        self._domain.setMemory(-1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._domain, name)


@define
class Unmeasurable:
    """A connection that cannot measure the domain of one uuid, or any that is not ours."""

    connection: Meddler
    uuid: str | None

    def getAllDomainStats(self, *arguments: int) -> Any:
        listed = self.connection.getAllDomainStats(*arguments)
        return [
            (Measureless(d) if (d.UUIDString() == self.uuid or self.ordinary(d)) else d, stats)
            for d, stats in listed
        ]

    def ordinary(self, domain: Any) -> bool:
        return self.uuid is None and domain.name() == "test"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


class LookTests(SynchronousTestCase):
    def setUp(self) -> None:
        start_event_loop()
        self.connection = libvirt.open("test:///default")
        self.addCleanup(self.connection.close)
        self.domain = self.make(1)

    def make(self, number: int) -> Any:
        domain = self.connection.createXML(domain_xml(spec(number), TEST), 0)
        self.addCleanup(self.perish, number)
        return domain

    def perish(self, number: int) -> None:
        try:
            self.connection.lookupByUUIDString(uuid(number)).destroy()
        except libvirt.libvirtError as error:
            self.assertEqual(libvirt.VIR_ERR_NO_DOMAIN, error.get_error_code())

    def test_vanishing(self) -> None:
        """A machine that vanishes during the look is absent, and the look is whole."""
        meddler: Any = Meddler(self.connection, self.domain.destroy)
        seen = look(meddler, [uuid(1)], {})
        self.assertNotIn(uuid(1), [s.uuid for s in seen.sightings])
        self.assertEqual({uuid(1)}, seen.absent)
        self.assertIsNone(seen.problem)

    def test_appearing(self) -> None:
        """A machine that appears during the look is neither listed nor absent: not known."""
        meddler: Any = Meddler(self.connection, lambda: self.make(2) and None)
        seen = look(meddler, [uuid(2)], {})
        self.assertNotIn(uuid(2), [s.uuid for s in seen.sightings])
        self.assertEqual(frozenset(), seen.absent)

    def test_unmeasured(self) -> None:
        """A stranger without figures is listed without them; a machine of ours is a problem."""
        for number, strangers in ((1, 0), (0, 1)):
            listing = Meddler(self.connection)
            meddler: Any = Unmeasurable(listing, None if strangers else uuid(number))
            seen = look(meddler, [], {})
            self.assertEqual(strangers, [s.raw for s in seen.sightings].count("unknown"))
            self.assertEqual(bool(strangers), seen.problem is None)

    def test_malformed(self) -> None:
        """A listing without states is no listing."""
        for stats in ({}, {"state.state": "running"}, {"state.state": 1, "state.reason": None}):
            meddler: Any = Meddler(self.connection, stats=stats)
            self.assertRaises(Malformed, look, meddler, [], {})

    def test_marks_are_kept(self) -> None:
        """A mark is read once, until the domain of that uuid is started anew."""
        first = look(self.connection, [], {})
        self.domain.setMetadata(
            libvirt.VIR_DOMAIN_METADATA_ELEMENT, "<machine/>", "vcycle", NAMESPACE, 0
        )
        second = look(self.connection, [], first.marks)
        self.assertEqual({uuid(1): spec(1).mark}, self.marks(second.sightings))
        self.domain.destroy()
        self.make(1)
        third = look(self.connection, [], first.marks)
        self.assertNotEqual(first.marks[uuid(1)][0], third.marks[uuid(1)][0])
        self.assertEqual({uuid(1): spec(1).mark}, self.marks(third.sightings))

    def test_no_mark_of_ours(self) -> None:
        """What stands in our namespace but is no mark makes no machine ours."""
        self.domain.setMetadata(
            libvirt.VIR_DOMAIN_METADATA_ELEMENT, "<machine owner='x'/>", "vcycle", NAMESPACE, 0
        )
        self.assertEqual({}, self.marks(look(self.connection, [], {}).sightings))

    def test_bad_uuid(self) -> None:
        """A uuid that is none is not known, and spoils nothing."""
        seen = look(self.connection, ["nonsense"], {})
        self.assertEqual(frozenset(), seen.absent)
        self.assertIsNone(seen.problem)

    def marks(self, sightings: Any) -> dict[str, Any]:
        return {s.uuid: s.mark for s in sightings if s.mark is not None}
