"""Tests for vcycle.daemon.creation: the order of acts, and what each failure means."""

from __future__ import annotations

from typing import Any

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, OWNER, SPACE, machinetype, space, uuid
from tests.daemon.ground import MATERIALS, Ground, creation
from tests.daemon.spoken import lines
from vcycle.core.errors import (
    BadRequest,
    CallTimedOut,
    DiskError,
    NameTaken,
    NoCapacity,
    ProviderError,
    Scope,
    StoreError,
    Unreachable,
)
from vcycle.core.machine import Mark, Model, Outcome
from vcycle.core.observation import Creation
from vcycle.core.recordtext import decode
from vcycle.daemon.creation import Made
from vcycle.daemon.materials import Materials
from vcycle.testing.provider import Fate

NAME = "factory1-00.example.com"


class CreationCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.ground = Ground()
        self.ground.hypervisor.server.ensure()
        self.said: list[str] = []
        self.logged = ""

    def make(self, wanted: Creation | None = None, materials: Materials = MATERIALS) -> Made:
        ground = self.ground
        with capturedLogs() as events:
            made: Made = self.successResultOf(
                ground.maker.make(wanted or creation(), materials, space(), ground.knowledge)
            )
        self.said, self.logged = lines(events), repr(events)
        return made


class MakingTests(CreationCase):
    def test_order(self) -> None:
        """The intent first; then who may call, the files, the disks; the request last of all."""
        self.assertEqual(Made(), self.make())
        self.assertEqual(["save", "admit", "write", "form", "create"], self.ground.acts)

    def test_record(self) -> None:
        """The record has what the machine was promised, on disk as in memory."""
        wanted = creation(heartbeat_file="beat", heartbeat_seconds=60, machines_dir_days=1.5)
        self.make(wanted)
        [record] = self.ground.knowledge.records.values()
        self.assertEqual({record.directory: record}, self.ground.disk.records)
        self.assertEqual((NAME, SPACE, "pilot"), (record.name, record.space, record.machinetype))
        self.assertEqual(
            (int(NOW), NOW, NOW + 86400), (record.born, record.requested_at, record.shutdown_time)
        )
        self.assertEqual(
            ("beat", 60), (record.limits.heartbeat_file, record.limits.heartbeat_seconds)
        )
        self.assertEqual(1.5, record.keep_days)
        self.assertIsNone(record.started_at)

    def test_clock(self) -> None:
        """A record includes all steps that the clock has made."""
        self.ground.knowledge.clock = 4
        self.make()
        [record] = self.ground.knowledge.records.values()
        self.assertEqual(4, record.clock)

    def test_spec(self) -> None:
        """The request carries the mark with the whole record, the disks, and where to call."""
        self.make()
        [made] = self.ground.provider.specs.values()
        record = made.record
        self.assertEqual(
            Mark(owner=OWNER, space=SPACE, uuid=uuid(100), name=NAME, facts=made.mark.facts),
            made.mark,
        )
        self.assertEqual(record, decode(made.mark.facts))
        self.assertEqual("http://10.0.2.2:8080/machine/very-secret-word", made.metadata_url)
        self.assertEqual(f"{self.ground.store.path(record, 'console.log')}", made.console)
        self.assertEqual({disk.path for disk in made.disks}, set(self.ground.disks.formed))
        self.assertIsNone(made.boot)

    def test_direct_boot(self) -> None:
        """Direct boot is asked for with kernel, initrd and arguments."""
        materials = Materials(kernel="/k", initrd="/i")
        wanted = creation(machine_model=Model.VM_DIRECT, kernel_arguments="console=ttyS0")
        self.make(wanted, materials)
        [made] = self.ground.provider.specs.values()
        assert made.boot is not None
        self.assertEqual(("/k", "/i"), (made.boot.kernel, made.boot.initrd))
        self.assertEqual("console=ttyS0", made.boot.arguments)

    def test_user_data(self) -> None:
        """A template is filled in for the machine; without one there is no file."""
        self.make()
        [files] = self.ground.disk.files.values()
        self.assertIn(uuid(100).encode(), files["user_data"])
        other = Ground()
        self.successResultOf(
            other.maker.make(
                creation(), Materials(image="/images/root.qcow2"), space(), other.knowledge
            )
        )
        self.assertEqual({}, other.disk.files)

    def test_said(self) -> None:
        """Two lines: that it is asked for, and that it was made."""
        self.make()
        self.assertEqual(
            [
                f"info: Creating {NAME} with machinetype pilot, 1 processor(s), until"
                " 2023-11-15 22:13:20Z (share 1, 0 HS06 in use, new)",
                f"info: {NAME} created in 0.00s ({uuid(100)})",
            ],
            self.said,
        )
        self.assertNotIn("very-secret-word", self.logged)

    def test_addresses(self) -> None:
        """The machine has the address of its slot, and the promise of it is settled."""
        self.make(creation(slot=3))
        [record] = self.ground.knowledge.records.values()
        self.assertEqual("192.168.7.4", record.address)
        self.assertEqual(set(), self.ground.hypervisor.promised)


class RefusedTests(CreationCase):
    def refused(self, error: Exception) -> Made:
        self.ground.provider.broken = error
        return self.make()

    def test_scopes(self) -> None:
        """A refusal ends the record at once; what else it would meet is the provider's to say."""
        for error, scope, abort in (
            (ProviderError("no"), Scope.REQUEST, True),
            (NameTaken("no"), Scope.REQUEST, True),
            (BadRequest("no"), Scope.MACHINETYPE, True),
            (NoCapacity("no"), Scope.SPACE, False),
            (Unreachable("no"), Scope.SPACE, False),
            (CallTimedOut("no"), Scope.SPACE, False),
        ):
            self.ground = Ground()
            made = self.refused(error)
            assert made.failed is not None
            self.assertEqual((scope, "no"), (made.scope, made.problem), error)
            self.assertEqual(Outcome.NEVER_STARTED, made.failed.outcome)
            self.assertEqual(
                (NOW, "700 no", abort),
                (made.failed.ended_at, made.failed.message, made.failed.abort),
            )
            self.assertEqual(f"error: {NAME} (pilot) was not created: no", self.said[-1])

    def test_known_until_it_is_ended(self) -> None:
        """A machine that was refused counts until its end is written."""
        self.refused(ProviderError("no"))
        self.assertEqual([uuid(100)], list(self.ground.knowledge.records))

    def test_unknown(self) -> None:
        """Without an answer the record stays as it is, and nothing else is asked for now."""
        self.ground.provider.fates.append(Fate.LOST)
        made = self.make()
        self.assertEqual((None, Scope.SPACE, None), (made.failed, made.scope, made.problem))
        self.assertEqual([uuid(100)], list(self.ground.knowledge.records))
        self.assertIn("it is not known whether it was created", self.said[-1])

    def test_text(self) -> None:
        """A provider's text becomes one bounded printable line, without the machine's secret."""
        text = "XML error:\n\x1b[2J <a url='http://x/very-secret-word'/> " + "x" * 1000
        made = self.refused(ProviderError(text))
        assert made.failed is not None
        message = made.failed.message or ""
        self.assertTrue(
            message.startswith("700 XML error: ?[2J <a url='http://x/(secret)'/>"), message
        )
        self.assertLessEqual(len(message), 200)
        self.assertTrue(message.isprintable())
        self.assertNotIn("very-secret-word", self.logged)


class OwnFaultTests(CreationCase):
    def test_no_intent(self) -> None:
        """Where the intent cannot be written nothing is asked for, and nothing is known."""
        self.ground.disk.full = True
        made = self.make()
        self.assertEqual((None, Scope.SPACE), (made.failed, made.scope))
        self.assertIn("the disk is full", made.problem or "")
        self.assertEqual([], self.ground.acts)
        self.assertEqual({}, self.ground.knowledge.records)
        self.assertEqual(set(), self.ground.hypervisor.promised)
        self.assertEqual([], self.said)

    def test_no_address(self) -> None:
        """Where no address is free nothing is made now, and nobody is blamed."""
        self.ground.hypervisor.promised = {f"192.168.7.{n}" for n in range(256)}
        made = self.make()
        self.assertEqual((None, Scope.SPACE), (made.failed, made.scope))
        self.assertEqual([], self.ground.acts)

    def test_no_room_for_files(self) -> None:
        """A disk that fills up stops the rest, and is not the machinetype's fault."""
        wrote = self.ground.store.on_write

        def fill(step: int, what: str) -> None:
            if what == "write":
                raise StoreError("/x: the disk is full")
            if wrote is not None:
                wrote(step, what)

        self.ground.store.on_write = fill
        made = self.make()
        assert made.failed is not None
        self.assertEqual((Scope.SPACE, False), (made.scope, made.failed.abort))

    def test_no_disk(self) -> None:
        """A disk that cannot be formed is an abort: the machinetype backs off and tries again."""
        self.ground.disks.broken = DiskError("no room")
        made = self.make()
        assert made.failed is not None
        self.assertEqual((Scope.REQUEST, True), (made.scope, made.failed.abort))
        self.assertEqual(0, self.ground.provider.creates)

    def test_bad_user_data(self) -> None:
        """A template that cannot be filled in is an abort, for it may be put right at any time."""
        made = self.make(
            materials=Materials(image="/images/root.qcow2", template=b"\x00" * (1 << 21))
        )
        assert made.failed is not None
        self.assertEqual((Scope.REQUEST, True), (made.scope, made.failed.abort))
        self.assertEqual(0, self.ground.provider.creates)

    def test_user_data_options_are_secret(self) -> None:
        """Values of user_data_option_ are in no line, however the creation ends."""
        options: dict[str, Any] = {"user_data_options": {"token": "hush-hush"}}
        for broken in (None, ProviderError("no")):
            self.ground = Ground()
            self.ground.provider.broken = broken
            self.make(creation(**options))
            self.assertNotIn("hush-hush", "".join(self.said))
        self.assertNotIn("hush-hush", repr(machinetype(**options)))
