"""Tests for vcycle.daemon.delivery: what becomes of a template, and where it is put."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, machinetype, record, space, uuid
from tests.daemon.ground import Ground, creation
from tests.daemon.spoken import listening
from tests.inplace import in_place
from vcycle.core.config.model import Machinetype
from vcycle.core.errors import UserDataError
from vcycle.core.machine import Limits, Seed, Traces
from vcycle.core.userdata import LIMIT, SERVED, UNSERVED
from vcycle.daemon.delivery import Delivery
from vcycle.daemon.materials import Materials

TEMPLATE = b"#!/bin/sh\n# ##user_data_uuid## ##user_data_option_cvmfs_proxy##\n"
SQUIDS = ("http://192.168.7.4:280", "http://192.168.7.5:280")
GROUP = "|".join(SQUIDS)


class DeliveryCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.ground = Ground()
        self.record = record()
        self.successResultOf(self.ground.store.save([self.record]))
        self.delivery = Delivery(version="1.0", store=self.ground.store, in_thread=in_place)
        self.said: list[str] = []

    def deliver(
        self,
        wanted: Machinetype,
        materials: Materials,
        limit: int = LIMIT,
        url: str | None = None,
        squids: tuple[str, ...] = (),
    ) -> Seed | None:
        with listening() as said:
            seed: Seed | None = self.successResultOf(
                self.delivery.deliver(
                    self.record, wanted, materials, url=url, limit=limit, squids=squids
                )
            )
        self.said = said
        return seed

    def delivered(self, template: bytes = TEMPLATE, **changes: Any) -> bytes:
        """user_data as the web server gives it."""
        self.squids = changes.pop("squids", ())
        files = changes.pop("files", {})
        materials = Materials(template=template, files=files)
        self.deliver(machinetype(**changes), materials, squids=self.squids)
        [files] = self.ground.disk.files.values()
        return bytes(files[SERVED])


class WayTests(DeliveryCase):
    def test_metadata(self) -> None:
        """By default user_data is where the web server finds it, and there is no CD-ROM."""
        self.assertIsNone(self.deliver(machinetype(), Materials(template=TEMPLATE)))
        [files] = self.ground.disk.files.values()
        self.assertEqual({SERVED}, set(files))

    def test_cdrom(self) -> None:
        """On a CD-ROM alone, the web server does not find it; the directory still holds it."""
        for way in ("nocloud", "configdrive"):
            self.setUp()
            wanted = machinetype(user_data_delivery=(way,))
            seed = self.deliver(wanted, Materials(template=TEMPLATE, public_key="ssh-rsa AAAA"))
            assert seed is not None
            [files] = self.ground.disk.files.values()
            self.assertEqual({UNSERVED}, set(files))
            contents = [content for _, content in seed.files]
            self.assertIn(files[UNSERVED], contents)
            self.assertIn(b"ssh-rsa AAAA", b"".join(contents))

    def test_both(self) -> None:
        """Both hold the same."""
        wanted = machinetype(user_data_delivery=("metadata", "nocloud"))
        seed = self.deliver(wanted, Materials(template=TEMPLATE))
        assert seed is not None
        [files] = self.ground.disk.files.values()
        self.assertEqual(files[SERVED], dict(seed.files)["user-data"])

    def test_places(self) -> None:
        """Where features are and outputs go is told as the machine sees it, secret and all."""
        wanted = machinetype(user_data_delivery=("nocloud",))
        url = "http://10.0.2.2:8080/machine/very-secret-word"
        seed = self.deliver(wanted, Materials(template=b"##user_data_joboutputs_url##"), url=url)
        assert seed is not None
        self.assertEqual(f"{url}/joboutputs".encode(), dict(seed.files)["user-data"])
        self.assertIn(f"{url}/jobfeatures".encode(), dict(seed.files)["meta-data"])

    def test_no_template(self) -> None:
        """Without a template nothing is written; a CD-ROM still tells who the machine is."""
        self.assertIsNone(self.deliver(machinetype(), Materials()))
        seed = self.deliver(machinetype(user_data_delivery=("nocloud",)), Materials())
        self.assertEqual({}, self.ground.disk.files)
        assert seed is not None
        self.assertEqual(b"", dict(seed.files)["user-data"])

    def test_too_large(self) -> None:
        """What is over the provider's limit is refused, and so is what is over our own."""
        for limit, size in ((1000, 1001), (1 << 60, LIMIT + 1)):
            answer = self.delivery.deliver(
                self.record, machinetype(), Materials(template=b"x" * size), url=None, limit=limit
            )
            error = self.failureResultOf(answer, UserDataError).value
            self.assertIn(f"over {min(limit, LIMIT)} bytes", str(error))
        self.assertEqual({}, self.ground.disk.files)


class TellingTests(DeliveryCase):
    def told(self, template: bytes, **changes: Any) -> list[str]:
        self.deliver(machinetype(**changes), Materials(template=template))
        return self.said

    def test_once(self) -> None:
        """What a template asks for in vain, and never asks for, is told when it changes."""
        wrong = b"##user_data_option_never## ##user_data_uid##"
        options = {"spare": "x"}
        said = self.told(wrong, user_data_options=options)
        self.assertEqual(2, len(said), said)
        self.assertTrue(said[0].startswith("warn: ") and "option_never##" in said[0], said)
        self.assertTrue(said[1].endswith("does not use user_data_option_spare"), said)
        self.assertEqual([], self.told(wrong, user_data_options=options))
        self.assertEqual(1, len(self.told(wrong + b"##user_data_x##", user_data_options=options)))
        self.assertEqual([], self.told(b"##user_data_option_spare##", user_data_options=options))
        self.assertEqual(2, len(self.told(wrong, user_data_options=options)))

    def test_each_machinetype(self) -> None:
        """Each machinetype by itself."""
        for name in ("one", "two"):
            self.assertEqual(1, len(self.told(b"##user_data_x##", name=name)))

    def test_proxy_not_asked_for(self) -> None:
        """A proxy that nothing asks for is told, and not made."""
        said = self.told(b"#!/bin/sh\n", user_data_proxy=True)
        self.assertEqual(1, len(said))
        self.assertIn("does not use user_data_proxy", said[0])

    def test_values(self) -> None:
        """No value of an option is ever in a line."""
        said = self.told(b"##user_data_x##", user_data_options={"token": "hush-hush"})
        self.assertNotIn("hush", "".join(said))


class SquidTests(DeliveryCase):
    def test_before(self) -> None:
        """Our own proxies come before those configured, as an option or as a file."""
        for changes in (
            {"user_data_options": {"cvmfs_proxy": "http://squid:3128"}},
            {"files": {"cvmfs_proxy": b"http://squid:3128\n"}},
        ):
            body = self.delivered(squids=SQUIDS, **changes)
            self.assertIn(f"{GROUP};http://squid:3128\n".encode(), body)
            self.assertNotIn("does not use", "".join(self.said))

    def test_nothing_configured(self) -> None:
        """Alone they are all there is."""
        self.assertIn(f" {GROUP}\n".encode(), self.delivered(squids=SQUIDS))

    def test_nobody(self) -> None:
        """Without them nothing is changed."""
        body = self.delivered(user_data_options={"cvmfs_proxy": "http://squid:3128"})
        self.assertIn(b" http://squid:3128\n", body)

    def test_from_what_lives(self) -> None:
        """A machine that is made gets the proxies that beat at that moment, and no others."""
        ground, limits = (
            self.ground,
            Limits(
                fizzle_seconds=600,
                max_wallclock_seconds=86400,
                heartbeat_file="heartbeat",
                heartbeat_seconds=300,
            ),
        )
        ground.hypervisor.server.ensure()
        for number, age in ((1, 60), (2, 600)):
            squid = evolve(
                record(),
                uuid=uuid(number),
                slot=number,
                machinetype="squid",
                address=f"192.168.7.{number}",
                limits=limits,
            )
            ground.knowledge.records[squid.uuid] = squid
            ground.knowledge.traces[squid.uuid] = Traces(heartbeat_at=NOW - age)
        wanted = creation(7, cvmfs_proxy_machinetype=("squid", 3128))
        self.successResultOf(
            ground.maker.make(
                wanted,
                Materials(image="/images/root.qcow2", template=TEMPLATE),
                space(),
                ground.knowledge,
            )
        )
        bodies = [files[SERVED] for files in ground.disk.files.values() if SERVED in files]
        self.assertIn(b" http://192.168.7.1:3128\n", bodies[-1])
