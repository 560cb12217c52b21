"""Tests for ``vcycle doctor``, on the host that runs the tests."""

from __future__ import annotations

import grp
import json
import os
import socket
import subprocess
import sys
import tempfile

import attrs
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.commands.running import run
from tests.daemon.test_secretfile import nobody
from vcycle.commands.hostfacts import clock_true
from vcycle.commands.ports import daemons, listening
from vcycle.commands.probing import access, account, daemon_account, reach
from vcycle.store.lock import Processes

CONFIGURATION = """\
[settings]
vcycle_space = one.test
factory_name = factory1.one.test
state_dir = {place}
libvirt_uri = test:///default
vacquery_port = 0
monitor_port = {port}
[machinetype a]
root_image = /nowhere
"""


class DoctorTests(SynchronousTestCase):
    def examine(self, port: int) -> dict[str, dict[str, object]]:
        with tempfile.TemporaryDirectory() as place:
            path = os.path.join(place, "vcycle.conf")
            with open(path, "w") as file:
                file.write(CONFIGURATION.format(place=place, port=port))
            status, out, _ = run("doctor", "--config", path, "--json")
        rows = json.loads(out)["findings"]
        self.assertEqual(int(any(row["good"] is False for row in rows)), status)
        return {row["what"]: row for row in rows}

    def test_looks(self) -> None:
        """It looks at the host as the configuration wants it used."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            found = self.examine(port)
        self.assertRegex(str(found["libvirt"]["text"]), "driver (?i:test)")
        self.assertEqual("factory1.one.test", found["host name"]["text"])
        self.assertIs(False, found[f"TCP port {port}"]["good"])
        self.assertIn("monitor_port", str(found[f"TCP port {port}"]["cure"]))
        self.assertNotIn("UDP port 0", found)

    def test_libvirt_does_not_answer(self) -> None:
        """Why libvirt cannot be asked is told in its own words."""
        answer, problem = reach("qemu+unix:///system?socket=/nowhere/libvirt-sock")
        self.assertEqual("", answer)
        self.assertIn("/nowhere/libvirt-sock", str(problem))

    def test_listens(self) -> None:
        """A port that somebody has is seen, of either protocol."""
        with socket.socket(type=socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            self.assertTrue(listening("UDP", taken.getsockname()[1]))
            free = taken.getsockname()[1]
        self.assertFalse(listening("UDP", free))

    def test_listens_where(self) -> None:
        """Where only some addresses matter, who has a port on others is no trouble."""
        for place, trouble in (("127.0.0.1", True), ("127.0.0.2", False), ("0.0.0.0", True)):
            with socket.socket() as taken:
                taken.bind((place, 0))
                taken.listen()
                port = taken.getsockname()[1]
                found = listening("TCP", port, frozenset(["127.0.0.1"]))
                self.assertIs(trouble, bool(found), place)

    def test_every_space(self) -> None:
        """What each space wants of the host is looked at, once where two want the same."""
        more = "".join(
            f"[space {name}]\nfactory_name = factory1.{name}\nlibvirt_uri = {uri}\n"
            for name, uri in (("two.test", "test:///default"), ("three.test", "test:///nowhere"))
        )
        with tempfile.TemporaryDirectory() as place:
            path = os.path.join(place, "vcycle.conf")
            with open(path, "w") as file:
                text = CONFIGURATION.format(place=place, port=0)
                file.write(text.replace("[machinetype a]", "[machinetype one.test a]") + more)
            _, out, _ = run("doctor", "--config", path, "--json")
        rows = [(row["what"], row["good"]) for row in json.loads(out)["findings"]]
        self.assertEqual([True, False], [good for what, good in rows if what == "libvirt"])
        self.assertEqual(3, len([what for what, _ in rows if what == "host name"]))

    def test_clock(self) -> None:
        """The kernel says whether its clock is kept."""
        self.assertIn(clock_true(), (True, False, None))


class OwnerTests(SynchronousTestCase):
    """Whose sockets are at a port."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.place = directory.name
        os.chmod(self.place, 0o755)

    def held_by(self, pid: int) -> None:
        """A process has the state directory, and the daemon's status is fresh."""
        processes = Processes()
        holder = {"pid": pid, "start": processes.start(pid), "boot": processes.boot(), "since": 0}
        with open(os.path.join(self.place, "lock"), "w") as file:
            json.dump(holder, file)
        self.beat()

    def beat(self) -> None:
        with open(os.path.join(self.place, "status.json"), "w"):
            pass

    def owner(self) -> bool | None:
        """Whether the daemon has a port that this very process has."""
        with socket.socket(type=socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            found = listening("UDP", taken.getsockname()[1])
            self.assertEqual(1, len(found))
            return daemons(self.place, found)

    def test_own(self) -> None:
        """A port that the daemon's process has is its own."""
        self.held_by(os.getpid())
        self.assertIs(True, self.owner())

    def test_conflict(self) -> None:
        """A port that another process has is not the daemon's, however well the daemon is."""
        with subprocess.Popen(["sleep", "60"]) as other:
            try:
                self.held_by(other.pid)
                self.assertIs(False, self.owner())
            finally:
                other.kill()
        self.assertIs(False, self.owner())

    def test_not_known(self) -> None:
        """Nobody is accused where it cannot be seen who the daemon is."""
        self.beat()
        self.assertIsNone(self.owner())

    def test_others_process(self) -> None:
        """What only root may see of the daemon is not known to others."""
        if os.geteuid() != 0:
            raise SkipTest("only root can become somebody else")
        with subprocess.Popen(["sleep", "60"]) as other:
            try:
                self.held_by(other.pid)
                with nobody():
                    found = self.owner()
            finally:
                other.kill()
        self.assertIsNone(found)


class UserTests(SynchronousTestCase):
    """Root looks with the eyes of the daemon's user."""

    def setUp(self) -> None:
        if os.geteuid() != 0:
            raise SkipTest("only root can become somebody else")
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        os.chmod(directory.name, 0o755)
        self.device = os.path.join(directory.name, "kvm")
        self.state = os.path.join(directory.name, "state")
        with open(self.device, "w"):
            os.chmod(self.device, 0o600)
        os.mkdir(self.state, 0o755)

    def test_who(self) -> None:
        """The unit says who the daemon is; without a unit it is the user of the package."""
        unit = {"LoadState": "loaded", "User": "nobody", "SupplementaryGroups": "adm no-such"}
        found = daemon_account(unit)
        assert found is not None
        self.assertEqual("nobody", found.name)
        self.assertIn(grp.getgrnam("adm").gr_gid, found.groups)
        self.assertIsNone(daemon_account({"LoadState": "loaded", "User": ""}))
        self.assertIsNone(daemon_account({"LoadState": "loaded", "User": "root"}))
        self.assertEqual(account("vcycle", ["kvm"]), daemon_account({}))

    def test_denied(self) -> None:
        """What root can do and the user cannot is told."""
        self.assertEqual([None, None], access(self.device, self.state))
        self.assertEqual(
            [
                f"{self.device}: Permission denied, for the user nobody",
                f"{self.state} cannot be written, for the user nobody",
            ],
            access(self.device, self.state, account("nobody")),
        )

    def test_allowed(self) -> None:
        """What its groups let the user do is well."""
        os.chown(self.device, 0, grp.getgrnam("adm").gr_gid)
        os.chmod(self.device, 0o660)
        os.chown(self.state, 65534, 0)
        self.assertEqual([None, None], access(self.device, self.state, account("nobody", ["adm"])))

    def test_interpreter_out_of_reach(self) -> None:
        """The user need not be able to run the interpreter that doctor runs with."""
        prefix = os.path.join(os.path.dirname(self.state), "environment")
        os.mkdir(prefix, 0o700)
        os.mkdir(os.path.join(prefix, "bin"))
        link = os.path.join(prefix, "bin", "python")
        os.symlink(os.path.realpath(sys.executable), link)
        os.chown(self.state, 65534, 0)
        self.patch(sys, "executable", link)
        device, state = access(self.device, self.state, account("nobody"))
        self.assertEqual(f"{self.device}: Permission denied, for the user nobody", device)
        self.assertIsNone(state)

    def test_refused(self) -> None:
        """A process that cannot become the user says so."""
        nobody = account("nobody")
        assert nobody is not None
        device, _ = access(self.device, self.state, attrs.evolve(nobody, uid=2**32 - 1))
        self.assertEqual("this process cannot become another user: Invalid argument", device)

    def test_libvirt(self) -> None:
        """libvirt is asked as that user, too."""
        answer, problem = reach("test:///default", account("nobody"))
        self.assertIsNone(problem)
        self.assertRegex(answer, "driver (?i:test)")
        _, problem = reach("qemu+unix:///system?socket=/nowhere/sock", account("nobody"))
        self.assertIn("(asked as the user nobody)", str(problem))
