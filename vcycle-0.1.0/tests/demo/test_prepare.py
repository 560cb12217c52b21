"""``demo/prepare`` with a distribution that only records what it is asked for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from attrs import define
from twisted.trial.unittest import SynchronousTestCase

PREPARE = Path(__file__).resolve().parents[2] / "demo/prepare"
EL9 = 'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n'
DEBIAN = "ID=debian\nVERSION_ID=12\n"

EL_PACKAGES = (
    "python3-libvirt python3-pip libvirt-daemon-kvm qemu-img dnf-plugins-core epel-release cpio"
)


@define
class Machine:
    """A machine made of stubs: what is called is written down, one call a line."""

    place: Path

    @classmethod
    def made(cls, place: Path, os_release: str, user: int = 0) -> Machine:
        """A machine on which no package of interest is installed."""
        machine = cls(place)
        (place / "bin").mkdir(parents=True)
        (place / "os-release").write_text(os_release)
        machine.stub("id", f"echo {user}")
        for absent in ("rpm", "dpkg-query", "apt-cache", "getent"):
            machine.stub(absent, "exit 1", silent=True)
        for present in ("dnf", "apt-get", "useradd"):
            machine.stub(present, "exit 0")
        # The environment exists: what pip is asked for is recorded as well.
        interpreter = place / "environment/bin/python"
        interpreter.parent.mkdir(parents=True)
        site = place / "site-packages"
        site.mkdir()
        machine.write(interpreter, "python", f'[ "$1" != -c ] || echo {site}', silent=False)
        return machine

    def stub(self, name: str, body: str, silent: bool = False) -> None:
        """A command of the machine."""
        self.write(self.place / "bin" / name, name, body, silent)

    def write(self, path: Path, name: str, body: str, silent: bool) -> None:
        """A command that records how it was called, unless it is silent, and does ``body``."""
        record = "" if silent else f'echo "{name} $*" >> "{self.place}/calls"\n'
        path.write_text(f"#!/bin/sh\n{record}{body}\n")
        path.chmod(0o755)

    def prepare(self, purpose: str = "demo") -> subprocess.CompletedProcess[str]:
        """Run the script on this machine."""
        return subprocess.run(
            [str(PREPARE), purpose],
            env={
                "PATH": f"{self.place}/bin:{os.environ['PATH']}",
                "HOME": str(self.place),
                "VCYCLE_OS_RELEASE": str(self.place / "os-release"),
                "VCYCLE_ENVIRONMENT": str(self.place / "environment"),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def calls(self, name: str) -> list[str]:
        """How a command was called, in order."""
        try:
            lines = (self.place / "calls").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [line for line in lines if line.split()[0] == name]


class EnterpriseLinux(SynchronousTestCase):
    """On a machine of the family of RHEL."""

    def setUp(self) -> None:
        self.machine = Machine.made(Path(self.mktemp()).absolute(), EL9)

    def test_installs_what_is_missing(self) -> None:
        """EPEL comes first, then everything; each with its reason, and nothing is asked."""
        done = self.machine.prepare()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(
            self.machine.calls("dnf"),
            ["dnf -y -q install epel-release", f"dnf -y -q install {EL_PACKAGES}"],
        )
        self.assertIn("  libvirt-daemon-kvm: libvirt's driver for QEMU", done.stderr)
        self.assertEqual(done.stdout, f"{self.machine.place}/environment/bin/python\n")

    def test_what_pypi_has(self) -> None:
        """The checkout is installed into the environment once, and not again."""
        self.machine.prepare()
        self.machine.prepare()
        installs = [call for call in self.machine.calls("python") if "pip install" in call]
        self.assertEqual(len(installs), 1, installs)
        self.assertTrue(installs[0].endswith(str(PREPARE.parent.parent)), installs)

    def test_binding(self) -> None:
        """The environment borrows libvirt's binding from the distribution, and nothing else."""
        self.machine.prepare()
        borrowed = [path.name for path in (self.machine.place / "site-packages").iterdir()]
        self.assertIn("libvirt.py", borrowed)
        self.assertEqual([name for name in borrowed if not name.startswith("libvirt")], [])

    def test_nothing_is_missing(self) -> None:
        """Where the packages are there, dnf is not called, whoever asks."""
        self.machine.stub("rpm", "exit 0", silent=True)
        self.machine.stub("id", "echo 1000", silent=True)
        self.assertEqual(self.machine.prepare().returncode, 0)
        self.assertEqual(self.machine.calls("dnf"), [])

    def test_only_root_installs(self) -> None:
        """A user without rights is told what root has to run."""
        self.machine.stub("id", "echo 1000")
        done = self.machine.prepare()
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"Run this as root: dnf install {EL_PACKAGES}", done.stderr)
        self.assertEqual(self.machine.calls("dnf"), [])

    def test_refused(self) -> None:
        """When dnf fails its last words are shown."""
        self.machine.stub("dnf", "echo 'No match for argument: busybox'; exit 1")
        done = self.machine.prepare()
        self.assertEqual(done.returncode, 1)
        self.assertIn("No match for argument: busybox", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_tests_need_more(self) -> None:
        """For the tests the RPM's macros are installed too."""
        self.machine.prepare("tests")
        self.assertIn("pyproject-rpm-macros", self.machine.calls("dnf")[-1])
        installs = [call for call in self.machine.calls("python") if "pip install" in call]
        self.assertTrue(installs[0].endswith("[test]"), installs)


class Debian(SynchronousTestCase):
    """On Debian."""

    def setUp(self) -> None:
        self.machine = Machine.made(Path(self.mktemp()).absolute(), DEBIAN)

    def test_lists_are_missing(self) -> None:
        """Without lists of packages they are fetched first; a busy dpkg is waited for."""
        done = self.machine.prepare()
        self.assertEqual(done.returncode, 0, done.stderr)
        update, install = self.machine.calls("apt-get")
        self.assertTrue(update.endswith(" update"), update)
        self.assertIn("-o DPkg::Lock::Timeout=600", install)
        self.assertIn(" install --no-install-recommends python3-libvirt ", install)

    def test_lists_are_old(self) -> None:
        """When an install fails the lists are fetched anew, and it is tried once more."""
        self.machine.stub("apt-cache", "exit 0", silent=True)
        self.machine.stub("apt-get", "case $* in *install*) exit 100 ;; esac")
        done = self.machine.prepare()
        self.assertEqual(done.returncode, 1)
        said = [
            call.partition("Retries=3 ")[2].split()[0] for call in self.machine.calls("apt-get")
        ]
        self.assertEqual(said, ["install", "update", "install"])

    def test_account(self) -> None:
        """The account that libvirt's driver insists on is made if it is not there."""
        self.machine.prepare()
        (made,) = self.machine.calls("useradd")
        self.assertTrue(made.endswith(" libvirt-qemu"), made)


class Elsewhere(SynchronousTestCase):
    """On a machine of neither family."""

    def test_said(self) -> None:
        """It says so and does nothing."""
        machine = Machine.made(Path(self.mktemp()).absolute(), "ID=plan9\n")
        done = machine.prepare()
        self.assertEqual(done.returncode, 1)
        self.assertIn("plan9", done.stderr)
        self.assertEqual(machine.calls("dnf") + machine.calls("apt-get"), [])
