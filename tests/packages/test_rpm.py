"""The RPMs: what is in them, and what rpmlint says."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.packages.building import ROOT, asked, built, listed, packages, told, workshop

VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"
NAMES = {"vcycle", "vcycle-command", "nagios-plugins-vcycle"}


class SharedTests(SynchronousTestCase):
    """The package for distributions that have what Vcycle needs."""

    def setUp(self) -> None:
        self.packages = packages(built(private=False))

    def test_packages(self) -> None:
        """There are three, of which none is bound to a processor."""
        self.assertEqual(NAMES, set(self.packages))
        for path in self.packages.values():
            self.assertEqual("noarch", asked("--qf", "%{ARCH}", path))

    def test_places(self) -> None:
        """Commands and files are where administrators look for them."""
        everything = {file: name for name, path in self.packages.items() for file in listed(path)}
        for file, name in {
            "/etc/vcycle.conf": "vcycle",
            "/etc/vcycle.d": "vcycle",
            "/etc/apel/vcycle-ssmsend-prod.cfg": "vcycle",
            "/etc/cron.d/vcycle-ssmsend-cron": "vcycle",
            "/etc/logrotate.d/vcycle": "vcycle",
            "/etc/nrpe.d/vcycle.cfg": "nagios-plugins-vcycle",
            "/usr/bin/vcycle": "vcycle-command",
            "/usr/lib/systemd/system/vcycled.service": "vcycle",
            "/usr/lib/sysusers.d/vcycle.conf": "vcycle",
            "/usr/lib/tmpfiles.d/vcycle.conf": "vcycle",
            "/usr/sbin/check-vcycled": "nagios-plugins-vcycle",
            "/usr/sbin/vcycle": "vcycle-command",
            "/usr/sbin/vcycled": "vcycle",
            "/usr/share/bash-completion/completions/vcycle": "vcycle-command",
            "/usr/share/doc/vcycle/html/index.html": "vcycle",
            "/usr/share/doc/vcycle/init.pp": "vcycle",
            "/usr/share/doc/vcycle/testkvm.xml": "vcycle",
            "/usr/share/man/man1/vcycle.1.gz": "vcycle-command",
            "/usr/share/man/man5/vcycle.conf.5.gz": "vcycle-command",
            "/usr/share/man/man8/check-vcycled.8.gz": "nagios-plugins-vcycle",
            "/usr/share/man/man8/vcycled.8.gz": "vcycle",
            "/usr/share/polkit-1/rules.d/60-vcycle.rules": "vcycle",
            "/usr/share/zsh/site-functions/_vcycle": "vcycle-command",
            "/var/lib/vcycle": "vcycle",
        }.items():
            self.assertEqual(name, everything.get(file), file)

    def test_twisted_is_left_alone(self) -> None:
        """Nothing of Twisted's own is in the package, nor its cache of plugins."""
        files = [file for path in self.packages.values() for file in listed(path)]
        plugins = [file for file in files if "/twisted/" in file]
        self.assertEqual(["vcycle_plugin.py"], [Path(file).name for file in plugins])

    def test_configuration_is_kept(self) -> None:
        """What an administrator edits is marked so, and nothing else."""
        marked = told("rpm", "-qpc", str(self.packages["vcycle"])).split()
        self.assertEqual(
            {
                "/etc/apel/vcycle-ssmsend-prod.cfg",
                "/etc/cron.d/vcycle-ssmsend-cron",
                "/etc/logrotate.d/vcycle",
                "/etc/vcycle.conf",
            },
            set(marked),
        )

    def test_same_again(self) -> None:
        """Two builds hold the same bytes."""
        payloads = []
        for number in (1, 2):
            command = packages(built(private=False, number=number))["vcycle-command"]
            payload = subprocess.run(["rpm2cpio", str(command)], capture_output=True, check=True)
            payloads.append(hashlib.sha256(payload.stdout).hexdigest())
        self.assertEqual(payloads[0], payloads[1])


class PrivateTests(SynchronousTestCase):
    """The package that brings its Python packages along."""

    def test_environment(self) -> None:
        """They are in a directory of their own, and every command looks there first."""
        found = packages(built(private=True))
        self.assertEqual(NAMES, set(found))
        files = [file for path in found.values() for file in listed(path)]
        self.assertFalse([file for file in files if "site-packages" in file])
        for name in ("twisted", "OpenSSL", "service_identity", "attrs", "zope", "cryptography"):
            self.assertTrue([f for f in files if f.startswith(f"/usr/lib64/vcycle/{name}")], name)

    def test_nothing_is_offered(self) -> None:
        """Other packages cannot come to depend on what is in there."""
        for path in packages(built(private=True)).values():
            offered = told("rpm", "-qp", "--provides", str(path)).split("\n")
            self.assertFalse([line for line in offered if "python" in line or ".so" in line])

    def test_bound_to_its_python(self) -> None:
        """It can be installed only where the Python is of the version that it was built with."""
        version = told("/usr/bin/python3", "-c", VERSION).strip()
        found = packages(built(private=True))
        for name in ("vcycle", "vcycle-command"):
            required = told("rpm", "-qp", "--requires", str(found[name])).splitlines()
            self.assertIn(f"python(abi) = {version}", required, name)


class LintTests(SynchronousTestCase):
    def test_shared(self) -> None:
        """rpmlint finds no errors, in the packages, their source or the spec."""
        self.lint(built(private=False))

    def test_private(self) -> None:
        """Nor does it in the package that brings its Python packages along."""
        self.lint(built(private=True))

    def lint(self, top: Path) -> None:
        """Have rpmlint judge everything that was built there."""
        home = workshop() / "home"
        home.mkdir(exist_ok=True)
        (home / ".rpmmacros").write_text((ROOT / "packaging/rpm/macros.debian").read_text())
        paths = [*map(str, packages(top).values()), *map(str, top.glob("SRPMS/*.rpm"))]
        done = subprocess.run(
            [
                *(str(linter()), "-c", str(ROOT / "packaging/rpm/rpmlint.toml")),
                *(*paths, str(ROOT / "packaging/rpm/vcycle.spec")),
            ],
            env={**os.environ, "HOME": str(home)},
            capture_output=True,
            text=True,
        )
        said = done.stdout + done.stderr
        self.assertEqual(0, done.returncode, said)
        summary = r"(?m)^ *4 packages and 1 specfiles checked; 0 errors, "
        self.assertRegex(done.stdout, summary, said)


def linter() -> Path:
    """rpmlint of its own project, as Debian's raises false alarms, with the system's rpm."""
    place = workshop() / "rpmlint"
    if not place.exists():
        told("/usr/bin/python3", "-m", "venv", "--system-site-packages", str(place))
        pip = [str(place / "bin/python"), "-m", "pip", "install", "-q"]
        told(*pip, "-I", "--no-deps", "rpmlint==2.10.0")
        told(*pip, "tomli-w", "zstandard", "pyxdg", "pybeam", "python-magic", "packaging")
        rpm = [str(place / "bin/python"), "-c", "import rpm"]
        if subprocess.run(rpm, capture_output=True).returncode != 0:
            bindings(place)
    return place / "bin/rpmlint"


def bindings(place: Path) -> None:
    """Put the distribution's Python module of rpm into an environment, if the host has it not."""
    told("sh", "-c", f"cd {place} && apt-get -q download python3-rpm && dpkg -x *.deb unpacked")
    (module,) = place.glob("unpacked/usr/lib/python3/dist-packages/rpm")
    (library,) = place.glob("lib/python*/site-packages")
    module.rename(library / "rpm")
