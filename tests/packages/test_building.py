"""The scripts that build the packages: what they decide, and what they make."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.packages.building import ROOT, built, told

# Stand-ins: of what distribution this is, and what rpmbuild and others were asked.
RPM = """#!/bin/sh
[ "$*" = '--eval %{?rhel}' ] || exit 9
echo "$RHEL"
"""
RPMBUILD = """#!/bin/sh
printf '%s\\n' "$@" > "$ASKED"
"""
NOTHING = """#!/bin/sh
"""


def asked(rhel: str, *options: str, wheels: Path) -> tuple[list[str], list[str]]:
    """What build.sh asks of rpmbuild on a release of Enterprise Linux, and the sources it gives."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for program, text in {
            "rpm": RPM,
            "rpmbuild": RPMBUILD,
            "make": NOTHING,
            "python": NOTHING,
        }.items():
            (place / program).write_text(text)
            (place / program).chmod(0o755)
        for directory in ("SRPMS", "RPMS"):
            (place / "out" / directory).mkdir(parents=True)
        environment = {
            **os.environ,
            "PATH": f"{place}:{os.environ['PATH']}",
            "PYTHON": str(place / "python"),
            "RHEL": rhel,
            "ASKED": str(place / "asked"),
            # The wheels that were fetched once.
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheels),
        }
        done = subprocess.run(
            [str(ROOT / "packaging/rpm/build.sh"), *options, str(place / "out")],
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)
        sources = sorted(path.name for path in (place / "out/SOURCES").glob("*wheels*.tar"))
        return (place / "asked").read_text().splitlines(), sources


class BuildTests(SynchronousTestCase):
    """Which of the two packages is built."""

    def test_private(self) -> None:
        """On Enterprise Linux before 10 it is the private one, with its wheels, unasked."""
        (tar,) = (built(private=True) / "SOURCES").glob("*wheels*.tar")
        with tempfile.TemporaryDirectory() as name:
            told("tar", "-xf", str(tar), "-C", name)
            wheels = Path(name, "wheels")
            for rhel, options, private in (
                ("9", (), True),
                ("8", (), True),
                ("10", (), False),
                ("", (), False),
                ("10", ("--private",), True),
            ):
                arguments, sources = asked(rhel, *options, wheels=wheels)
                self.assertEqual(private, "private" in arguments, (rhel, options))
                self.assertEqual([tar.name] * private, sources, (rhel, options))

    def test_as_the_spec(self) -> None:
        """The spec's own default is the same, and asks for the wheels as a source."""
        for rhel, private in (("9", True), ("10", False)):
            command = ["rpmspec", "-P", "--define", f"rhel {rhel}", "--load"]
            macros = str(ROOT / "packaging/rpm/macros.debian")
            spec = told(*command, macros, str(ROOT / "packaging/rpm/vcycle.spec"))
            self.assertEqual(private, "Source2:" in spec, rhel)


class PrivateTests(SynchronousTestCase):
    """The commands that find their Python packages in a directory of their own."""

    def test_check_that_cannot_begin(self) -> None:
        """Without its modules the check is UNKNOWN to Nagios, never a warning."""
        with tempfile.TemporaryDirectory() as name:
            told(str(ROOT / "packaging/rpm/private.sh"), f"{name}/bin", f"{name}/none")
            # The checkout, which the tests themselves are given, is not to be found.
            environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
            done = subprocess.run(
                [f"{name}/bin/check-vcycled", "600"],
                cwd=name,
                env=environment,
                capture_output=True,
                text=True,
            )
        self.assertEqual(3, done.returncode, done.stderr)
        self.assertRegex(done.stdout, r"\AVCYCLE UNKNOWN - ")

    def test_home_comes_first(self) -> None:
        """What is in their directory is used before what the distribution has."""
        with tempfile.TemporaryDirectory() as name:
            told(str(ROOT / "packaging/rpm/private.sh"), f"{name}/bin", f"{name}/home")
            commands = Path(name, "home/vcycle/commands")
            commands.mkdir(parents=True)
            (commands.parent / "__init__.py").touch()
            (commands / "__init__.py").touch()
            (commands / "nagios.py").write_text("def main(): return 2\n")
            done = subprocess.run([f"{name}/bin/check-vcycled"], cwd=name, capture_output=True)
        self.assertEqual((2, b""), (done.returncode, done.stderr))
