"""What the quick start has typed: the smoke test of libvirt, and ``vcycle doctor``."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

from tests.system.case import FACTORY, section
from tests.system.systemcase import OnSystem
from tests.system.vcycled import ROOT
from vcycle.commands.hostfacts import look

# It may look where the tests are, which may be in a home.
UNPRIVILEGED = (
    *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
)
# In a namespace of its own: a route that a cloud's DHCP gives its machines.
OUTSIDE = "192.0.2.2/24"
SERVICE = "169.254.169.254"
CLOUD = Path("/run/cloud-init/cloud-id")
OTHER = "10.254.0.0/16"


class SmokeTests(OnSystem):
    def test_testkvm(self) -> None:
        """The machine of testkvm.xml is created, listed, and destroyed; of it nothing is left."""
        text = (ROOT / "etc/testkvm.xml").read_text("utf-8")
        facts = look(None, FACTORY)
        if facts.kvm_problem or not facts.virtualizes:
            # As its comment says.
            text = text.replace("<domain type='kvm'>", "<domain type='qemu'>")
        (self.place / "testkvm.xml").write_text(text, "utf-8")
        self.assertIn("created", self.virsh("create", str(self.place / "testkvm.xml")))
        self.assertRegex(self.virsh("list"), r"\btestkvm +running\b")
        self.assertIn("destroyed", self.virsh("destroy", "testkvm"))
        self.assertNotIn("testkvm", self.virsh("list", "--all"))

    def virsh(self, *words: str) -> str:
        return _run("virsh", *words)


class DoctorTests(OnSystem):
    def setUp(self) -> None:
        super().setUp()
        # A card with a way out.
        _run(*["ip", "link", "add", "name", "world0", "type", "bridge"])
        self.addCleanup(_run, *["ip", "link", "del", "world0"])
        _run(*["ip", "link", "set", "world0", "up"])
        _run("ip", "addr", "add", OUTSIDE, "dev", "world0")

    def doctor(self, *under: str, **settings: object) -> dict[str, tuple[object, str, str]]:
        """What is good, told and to be done, by what was looked at."""
        options = {
            "vcycle_space": "system.vcycle.test",
            "factory_name": FACTORY,
            "state_dir": self.place,
            "vacquery_port": 9951,
            "monitor_port": 9952,
            **settings,
        }
        self.write(section("settings", options))
        command = [sys.executable, "-m", "vcycle.commands.main", "doctor", "--json"]
        done = subprocess.run(
            [*under, *command, "--config", str(self.place / "vcycle.conf")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertIn(done.returncode, (0, 1), done.stderr)
        rows = json.loads(done.stdout)["findings"]
        self.assertEqual(any(row["good"] is False for row in rows), done.returncode == 1)
        return {row["what"]: (row["good"], row["text"], row["cure"] or "") for row in rows}

    def test_host(self) -> None:
        """As root everything that this host has is found; each port is looked for alone."""
        found = self.doctor()
        for what in ("libvirt", "programs", "host name", "guest network", "disk", "TCP port 80"):
            self.assertIs(True, found[what][0], found)
        self.assertRegex(
            found["libvirt"][1], r"^qemu:///system: libvirt \d+\.\d+\.\d+, driver QEMU$"
        )
        self.assertNotIn("metadata", found)
        with socket.socket() as web, socket.socket(type=socket.SOCK_DGRAM) as asked:
            web.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            web.bind(("", 80))
            web.listen()
            asked.bind(("127.0.0.1", 9951))
            found = self.doctor()
        self.assertIs(False, found["TCP port 80"][0])
        self.assertIn("another guest_http_port", found["TCP port 80"][2])
        self.assertIn("another vacquery_port", found["UDP port 9951"][2])
        self.assertIs(True, found["TCP port 9952"][0])

    def test_unprivileged(self) -> None:
        """Whoever may not use libvirt, or KVM, is told so; the rest is found all the same."""
        found = self.doctor(*UNPRIVILEGED)
        good, text, cure = found["libvirt"]
        self.assertIs(False, good, found)
        self.assertIn("qemu:///system: ", text)
        self.assertIn("polkit", cure)
        for what in ("programs", "host name", "guest network", "disk"):
            self.assertIs(True, found[what][0], found)

    def test_libvirt_gone(self) -> None:
        """A libvirt that does not answer is told of with how to start it."""
        good, text, cure = self.doctor(libvirt_uri="qemu+unix:///system?socket=/nowhere")["libvirt"]
        self.assertIs(False, good)
        self.assertIn("/nowhere", text)
        self.assertIn("systemctl enable --now libvirtd", cure)

    def test_link_local(self) -> None:
        """An address or a route on another card is in the machines' way; the cure mends it."""
        for add, remove in (
            ("ip addr add 169.254.7.7/16 dev world0", "ip addr del 169.254.7.7/16 dev world0"),
            (f"ip route add {SERVICE} via 192.0.2.1", f"ip route del {SERVICE} via 192.0.2.1"),
        ):
            _run(*add.split())
            good, text, cure = self.doctor()["guest network"]
            self.assertIs(False, good)
            self.assertIn("on world0", text)
            self.assertIn(f"such as {OTHER}", cure)
            found = self.doctor(guest_network=OTHER)
            self.assertIs(True, found["guest network"][0], found)
            _run(*remove.split())
            self.assertIs(True, self.doctor()["guest network"][0])

    def test_cloud(self) -> None:
        """
        In a cloud the guest network is another, whatever the routes are; and machines, which
        leave through this host, are kept from its metadata service by the rule that is told.
        """
        _run(*["ip", "route", "add", "default", "via", "192.0.2.1"])
        _run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0")
        _run("sysctl", "-q", "-w", "net.ipv4.conf.world0.rp_filter=0")
        CLOUD.parent.mkdir()
        CLOUD.write_text("aws\n", "ascii")
        self.addCleanup(CLOUD.parent.rmdir)
        self.addCleanup(CLOUD.unlink)
        good, text, cure = self.doctor()["guest network"]
        self.assertIs(False, good)
        self.assertIn("Amazon EC2", text)
        self.assertIn(f"such as {OTHER}", cure)
        good, text, cure = self.doctor(guest_network=OTHER)["metadata"]
        self.assertIs(False, good)
        self.assertTrue(_forwarded())
        command = cure.partition(": ")[2].split()
        _run(*command)
        self.addCleanup(_run, "ip", "rule", "del", *command[3:])
        self.assertFalse(_forwarded())
        found = self.doctor(guest_network=OTHER)
        self.assertIs(True, found["metadata"][0], found)
        self.assertIs(True, found["guest network"][0], found)


def _forwarded() -> bool:
    """Whether what a machine sends to the service would leave this host."""
    words = ["ip", "route", "get", SERVICE, "from", "10.254.0.5", "iif", "world0"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode == 0


def _run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout


del OnSystem
