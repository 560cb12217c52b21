"""Tests for vcycle.store.machines: what is on the disk, and what becomes of damage to it."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Awaitable
from typing import Callable

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.store import DAY, NOW, QUOTA, SPACE, record
from tests.inplace import in_place
from vcycle.core.errors import CallTimedOut, StoreError
from vcycle.core.recordtext import encode
from vcycle.interfaces import Contents
from vcycle.store.machines import MachineStore
from vcycle.testing.store import Killed


class DiskTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.state_dir = os.path.abspath(self.mktemp())
        self.root = os.path.join(self.state_dir, "spaces", SPACE)
        self.store = self.new_store()
        self.opened(self.store)

    def new_store(self) -> MachineStore:
        return MachineStore(self.state_dir, SPACE, in_place, QUOTA)

    def opened(self, store: MachineStore) -> Contents:
        contents: Contents = self.successResultOf(store.open())
        return contents

    def again(self) -> Contents:
        """What a new daemon finds, and once more the next one: nothing is found twice."""
        contents = self.opened(self.new_store())
        self.assertEqual(contents.records, self.opened(self.new_store()).records)
        return contents

    def save(self, *numbers: int) -> None:
        self.successResultOf(self.store.save([record(number) for number in numbers]))

    def directory(self, number: int = 0) -> str:
        return os.path.join(self.root, "machines", record(number).directory)

    def plant(self, path: str, content: str = "") -> None:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(content)


class LayoutTests(DiskTests):
    def test_places(self) -> None:
        """Each machine has a directory named after its birth, machinetype and name."""
        self.save(0)
        self.successResultOf(self.store.write(record(), {"user_data": b"x"}))
        self.successResultOf(self.store.put(record(), "log", io.BytesIO(b"x"), NOW))
        directory = f"{self.root}/machines/1700000000_example-vm_factory1-00.example.com"
        self.assertEqual({"record.json", "user_data", "joboutputs"}, set(os.listdir(directory)))
        self.assertEqual(["log"], os.listdir(f"{directory}/joboutputs"))
        self.assertEqual(f"{directory}/console.log", self.store.path(record(), "console.log"))

    def test_secrets(self) -> None:
        """Only the daemon's user can read records and user_data; all may pass to the disks."""
        old = os.umask(0o077)
        self.addCleanup(os.umask, old)
        self.save(0)
        self.successResultOf(self.store.write(record(), {"user_data": b"x"}))
        modes = {
            name: stat.S_IMODE(os.stat(f"{self.directory()}/{name}").st_mode)
            for name in (".", "record.json", "user_data")
        }
        self.assertEqual({".": 0o755, "record.json": 0o600, "user_data": 0o600}, modes)

    def test_shown(self) -> None:
        """Heartbeats and counts are plain files for everyone to read."""
        self.successResultOf(self.store.beat("factory", NOW + 0.9))
        self.successResultOf(self.store.count("1 2 1 2 10.00"))
        for name, content in (
            ("factory-heartbeat", "1700000000\n"),
            ("counts", "1 2 1 2 10.00"),
        ):
            with open(f"{self.root}/{name}") as file:
                self.assertEqual(content, file.read())
            mode = os.stat(f"{self.root}/{name}").st_mode
            self.assertEqual(0o644, stat.S_IMODE(mode))

    def test_spaces(self) -> None:
        """No space's name leads out of the state directory."""
        for space in ("", ".", "..", "../x", "a/b"):
            with self.assertRaises(StoreError):
                MachineStore(self.state_dir, space, in_place)

    def test_finished(self) -> None:
        """The record is the truth, the marker only spares its reading."""
        self.save(0)
        self.successResultOf(self.store.save([evolve(record(), ended_at=NOW)]))
        marker = f"{self.directory()}/finished"
        self.assertEqual(0, os.stat(marker).st_size)
        os.unlink(marker)
        self.assertEqual((), self.again().records)
        self.assertTrue(os.path.exists(marker))

    def test_whole_prune(self) -> None:
        """All of a machine goes with it, disks and all, also those of former daemons."""
        self.save(0, 1)
        self.successResultOf(self.store.save([evolve(record(), ended_at=NOW)]))
        self.plant(f"{self.directory()}/root.qcow2", "disk")
        store = self.new_store()
        self.opened(store)
        gone = self.successResultOf(store.prune(NOW + 3 * DAY))
        self.assertEqual((record().directory,), gone)
        self.assertEqual([record(1).directory], os.listdir(f"{self.root}/machines"))

    def test_half_a_prune(self) -> None:
        """A daemon killed while it removes a directory leaves no damage, but the rest of it."""

        def step(what: str, path: str) -> None:
            if what == "remove" and os.path.exists(f"{path}/joboutputs"):
                os.unlink(f"{path}/record.json")
                raise Killed

        self.save(0)
        self.successResultOf(self.store.put(record(), "log", io.BytesIO(b"x"), NOW))
        self.successResultOf(self.store.save([evolve(record(), ended_at=NOW)]))
        store = MachineStore(self.state_dir, SPACE, in_place, QUOTA, step=step)
        self.opened(store)
        with self.assertRaises(Killed):
            store.prune(NOW + 3 * DAY).send(None)
        self.assertEqual((), self.again().damaged)
        self.assertEqual([], os.listdir(f"{self.root}/machines"))

    def test_late_thread(self) -> None:
        """A write that hung and was written off does not undo a later one when it wakes up."""
        asleep: list[Callable[[], object]] = []

        async def hangs(work: Callable[[], object], deadline: float | None = None) -> object:
            asleep.append(work)
            raise CallTimedOut("the thread hangs")

        self.save(0)
        store = MachineStore(self.state_dir, SPACE, in_place, QUOTA)
        self.opened(store)
        store.in_thread = hangs  # type: ignore[assignment]
        late = store.save([evolve(record(), cpu_seconds=1.0)])
        text = str(self.failureResultOf(late, StoreError).value)
        self.assertIn("did not answer in time", text)
        store.in_thread = in_place
        newer = evolve(record(), cpu_seconds=2.0)
        self.successResultOf(store.save([newer]))
        asleep[0]()
        self.assertEqual((newer,), self.again().records)
        self.assertEqual(["record.json"], os.listdir(self.directory()))


class FailureTests(DiskTests):
    def test_every_step(self) -> None:
        """Whichever step of a save fails, the error tells the cure, and saving again works."""
        self.save(0)
        for failing in range(1, 40):
            count = 0

            def step(what: str, path: str, failing: int = failing) -> None:
                nonlocal count
                count += 1
                if count == failing:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

            newer = evolve(record(), cpu_seconds=float(failing))
            fresh = record(failing)
            before = set(self.again().records)
            store = MachineStore(self.state_dir, SPACE, in_place, QUOTA, step=step)
            count = -1000
            self.opened(store)
            count = 0
            saved = self.successResultOf(self.tried(store.save([newer, fresh])))
            if saved is None:
                self.assertGreater(failing, 8)
                return
            self.assertIn(self.state_dir, saved)
            self.assertIn("make room", saved)
            contents = self.again()
            self.assertLessEqual(set(contents.records), before | {newer, fresh})
            self.assertEqual((), contents.damaged)
            self.successResultOf(store.save([newer, fresh]))
            self.assertLess({newer, fresh}, {*self.again().records, record(99)})
        self.fail("it never came to an end")

    async def tried(self, saving: Awaitable[None]) -> str | None:
        try:
            await saving
        except StoreError as error:
            return str(error)
        return None

    def test_bad_record(self) -> None:
        """A record that could not be read back is refused, and none beside it is written."""
        bad = evolve(record(0), mac="none")
        text = str(self.failureResultOf(self.store.save([record(1), bad]), StoreError).value)
        self.assertIn(bad.name, text)
        self.assertIn("mac is 'none'", text)
        self.assertEqual((), self.again().records)
        self.assertEqual([], os.listdir(f"{self.root}/machines"))

    def test_unwritable_history(self) -> None:
        """A history that is no JSON is refused, and the former one stays."""
        self.successResultOf(self.store.remember({"a": 1}))
        values: list[object] = [object(), float("nan"), "x" * (1 << 24)]
        for bad in ({"a": value} for value in values):
            self.failureResultOf(self.store.remember(bad), StoreError)
        self.assertEqual({"a": 1}, self.successResultOf(self.store.history()))


class DamageTests(DiskTests):
    def damaged(self, words: str, moved: bool = True) -> None:
        """Machine 1 is whole and found; the damage beside it is told, once if it was moved."""
        self.save(1)
        contents = self.opened(self.new_store())
        self.assertEqual((record(1),), contents.records)
        self.assertEqual(1, len(contents.damaged), contents.damaged)
        self.assertIn(words, contents.damaged[0])
        again = self.opened(self.new_store())
        self.assertEqual((record(1),), again.records)
        self.assertEqual(() if moved else contents.damaged, again.damaged)
        if moved:
            self.assertIn(f"moved to {self.root}/machines-damaged/", contents.damaged[0])

    def test_cut_short(self) -> None:
        """A record that ends in the middle is moved aside, with all beside it."""
        self.save(0)
        self.plant(f"{self.directory()}/record.json", encode(record())[:100])
        self.plant(f"{self.directory()}/console.log", "text")
        self.damaged("not JSON")
        aside = f"{self.root}/machines-damaged/{record().directory}"
        self.assertEqual({"record.json", "console.log"}, set(os.listdir(aside)))

    def test_garbage(self) -> None:
        """Each row: what a record file holds instead, and what is told of it."""
        other = evolve(record(), space="elsewhere.example.com")
        for content, words in [
            ("", "not JSON"),
            ("\u00e9", "can't decode"),
            ("[" * 100_000, "too deeply"),
            ("{}", "version None"),
            (" " * 2_000_000, "longer than"),
            (encode(other), "of space elsewhere.example.com"),
            (encode(record(5)), f"the record of {record(5).directory}"),
        ]:
            self.plant(f"{self.directory()}/record.json", content)
            self.damaged(words)
        self.assertEqual(7, len(os.listdir(f"{self.root}/machines-damaged")))

    def test_not_a_file(self) -> None:
        """A record that is a link, a directory or a pipe is never opened."""
        self.save(2)
        path = f"{self.directory()}/record.json"
        for make in (
            lambda: os.symlink(f"{self.directory(2)}/record.json", path),
            lambda: os.mkdir(path),
            lambda: os.mkfifo(path),
        ):
            os.makedirs(self.directory())
            make()
            contents = self.opened(self.new_store())
            self.assertEqual((record(2),), contents.records)
            self.assertIn("not a regular file", contents.damaged[0])

    def test_same_uuid(self) -> None:
        """Of two directories with one uuid the second is moved aside."""
        twin = record(1, born=int(NOW) + 1)
        self.save(1)
        self.plant(f"{self.root}/machines/{twin.directory}/record.json", encode(twin))
        self.damaged("another machine has its uuid")

    def test_unfinished_intent(self) -> None:
        """A directory without a record was never acted on: it goes, silently."""
        os.makedirs(self.directory(0))
        self.plant(f"{self.directory(2)}/.record.json.77.1", "half")
        self.plant(f"{self.root}/machines/.1700000000_a_b/record.json", "half removed")
        self.save(1)
        contents = self.opened(self.new_store())
        self.assertEqual(((record(1),), ()), (contents.records, contents.damaged))
        self.assertEqual([record(1).directory], os.listdir(f"{self.root}/machines"))

    def test_things_without_record(self) -> None:
        """A directory without a record, but with something else, is moved aside."""
        self.plant(f"{self.directory()}/root.qcow2", "disk")
        self.damaged("no record, but root.qcow2")

    def test_stray_file(self) -> None:
        """What is no directory is told of, and left alone."""
        self.plant(f"{self.root}/machines/README", "hello")
        self.damaged("is not a directory", moved=False)

    def test_leftovers(self) -> None:
        """Half-written files of a crash are swept up."""
        self.save(0)
        leftovers = [
            f"{self.root}/.history.json.7.1",
            f"{self.directory()}/.record.json.7.2",
            f"{self.directory()}/joboutputs/.log.7.3",
        ]
        for path in leftovers:
            self.plant(path, "half")
        contents = self.again()
        self.assertEqual(((record(),), ()), (contents.records, contents.damaged))
        self.assertEqual([], [path for path in leftovers if os.path.exists(path)])

    def test_history(self) -> None:
        """A damaged history is moved aside and told; without one, life goes on."""
        self.plant(f"{self.root}/history.json", '{"a": ')
        contents = self.opened(self.new_store())
        self.assertIn("history.json: not JSON", contents.damaged[0])
        self.assertTrue(os.path.exists(f"{self.root}/history.json.damaged"))
        self.assertEqual((), self.opened(self.new_store()).damaged)
        self.assertEqual({}, self.successResultOf(self.store.history()))
        for content in ("[]", "\u00e9", "[" * 100_000):
            self.plant(f"{self.root}/history.json", content)
            self.assertEqual({}, self.successResultOf(self.store.history()))

    def test_traces_are_no_files(self) -> None:
        """Outputs that are links or directories count as not there."""
        self.save(0)
        os.makedirs(f"{self.directory()}/joboutputs/vm-heartbeat")
        os.symlink("/etc/hostname", f"{self.directory()}/joboutputs/shutdown_message")
        traces = self.opened(self.new_store()).traces[record().uuid]
        self.assertEqual((None, None), (traces.heartbeat_at, traces.message))

    def test_taken_by_damage(self) -> None:
        """A machine is not written into a directory whose record cannot be read."""
        self.plant(f"{self.directory()}/record.json", "{}")
        text = str(self.failureResultOf(self.store.save([record()]), StoreError).value)
        self.assertIn("take the directory away", text)
