"""What the distribution is made of agrees with itself."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.pythons import SUPPORTED, constraints
from vcycle import __version__

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "packaging/rpm/vcycle.spec"
UNIT = ROOT / "packaging/rpm/vcycled.service"

PACKAGING = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "packaging").rglob("*.sh"))]

# What the daemon may need at run time.
RUNTIME = {
    "Twisted",
    "attrs",
    "cryptography",
    "libvirt-python",
    "pyOpenSSL",
    "service_identity",
    "zope.interface",
}


def setup_arguments() -> dict[str, object]:
    """The literal arguments of the call of setup()."""
    calls = [
        node
        for node in ast.walk(ast.parse((ROOT / "setup.py").read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setup"
    ]
    found: dict[str, object] = {}
    for keyword in calls[0].keywords:
        try:
            found[str(keyword.arg)] = ast.literal_eval(keyword.value)
        except ValueError:
            continue
    return found


def scripts() -> list[str]:
    """The names of the installed commands."""
    arguments = setup_arguments()
    points, files = arguments["entry_points"], arguments["scripts"]
    if not isinstance(points, dict) or not isinstance(files, list):
        raise AssertionError(arguments)
    made = [point.partition("=")[0] for point in points["console_scripts"]]
    return [*made, *(Path(file).name for file in files)]


class Wheel(SynchronousTestCase):
    """What is installed."""

    def test_nothing_overwrites_twisted(self) -> None:
        """No ``__init__.py`` under twisted/: it would replace Twisted's own, and remove it."""
        files = sorted(path.name for path in (ROOT / "twisted").rglob("*.py"))
        self.assertEqual(files, ["vcycle_plugin.py"])

    def test_plugin_is_one_file(self) -> None:
        """The plugin is installed as a module, and an editable install shows it to twistd."""
        arguments = setup_arguments()
        self.assertEqual(arguments["py_modules"], ["twisted.plugins.vcycle_plugin"])
        self.assertEqual(arguments["package_dir"], {"": "."})

    def test_runtime_packages(self) -> None:
        """Nothing is needed at run time but what the design names."""
        needed = setup_arguments()["install_requires"]
        if not isinstance(needed, list):
            raise AssertionError(needed)
        self.assertEqual({re.split("[<>=!]", each)[0] for each in needed}, RUNTIME)


class Versions(SynchronousTestCase):
    """The lowest versions of packages, said to pip and tried per Python."""

    def test_supported(self) -> None:
        """Each Python that is tried is said to be supported, and has a file of lowest versions."""
        classifiers = setup_arguments()["classifiers"]
        self.assertIsInstance(classifiers, list)
        self.assertEqual(
            [f"Programming Language :: Python :: {version}" for version in SUPPORTED],
            [each for each in classifiers if "Python" in each],  # type: ignore[attr-defined]
        )
        self.assertEqual(
            {constraints(version).name for version in SUPPORTED},
            {path.name for path in (ROOT / "packaging/lowest").glob("py*.txt")},
        )

    def test_floors(self) -> None:
        """
        The oldest Python is tried with just the versions that the package asks for, and a later
        one never with older ones.
        """
        for version in SUPPORTED:
            tried = {
                name: numbers(lowest)
                for name, _, lowest in (
                    line.partition("==") for line in constraints(version).read_text().splitlines()
                )
            }
            floors = floors_for(version)
            self.assertEqual(sorted(floors), sorted(tried), version)
            for name, floor in floors.items():
                self.assertLessEqual(floor, tried[name], (version, name))
                if version == SUPPORTED[0]:
                    self.assertEqual(floor, tried[name], (version, name))


def numbers(version: str) -> tuple[int, ...]:
    """A version to compare with: zeros at its end say nothing."""
    found = [int(each) for each in version.split(".")]
    while found and found[-1] == 0:
        found.pop()
    return tuple(found)


def floors_for(python: str) -> dict[str, tuple[int, ...]]:
    """What the package asks for at least, with all that its users can add to it."""
    arguments = setup_arguments()
    needed, extras = arguments["install_requires"], arguments["extras_require"]
    if not isinstance(needed, list) or not isinstance(extras, dict):
        raise AssertionError(arguments)
    found: dict[str, tuple[int, ...]] = {}
    for each in [*needed, *extras["iso"], *extras["metrics"]]:
        requirement, _, marker = each.partition(";")
        if marker and numbers(python) < numbers(marker.split('"')[1]):
            continue
        name, _, floor = requirement.partition(">=")
        found[name] = max(found.get(name, ()), numbers(floor.strip()))
    return found


class Rpm(SynchronousTestCase):
    """The spec and what it installs."""

    def test_version(self) -> None:
        """The spec is of the package's version."""
        self.assertIn(__version__, re.findall(r"^Version: *(\S+)$", SPEC.read_text(), re.M))

    def test_scripts_are_packaged(self) -> None:
        """Each command of the wheel is in the list of files."""
        listed = re.findall(r"^%\{_s?bindir\}/(\S+)$", SPEC.read_text(), re.M)
        self.assertEqual(sorted(set(listed)), sorted(scripts()))

    def test_sources_exist(self) -> None:
        """Every file of the packaging that the spec installs is there."""
        for name in re.findall(r"packaging/rpm/\S+", SPEC.read_text()):
            self.assertTrue((ROOT / name).is_file(), name)

    def test_unit(self) -> None:
        """The unit runs an installed command as the account that the package makes."""
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment]
        unit.read(UNIT)
        service = unit["Service"]
        self.assertIn(Path(service["ExecStart"].split()[0]).name, scripts())
        account = (ROOT / "packaging/rpm/vcycle.sysusers").read_text().splitlines()[-1].split()
        self.assertEqual(account[:2], ["u", service["User"]])
        self.assertIn(f'"{service["User"]}"', (ROOT / "packaging/rpm/vcycle.rules").read_text())

    def test_kvm(self) -> None:
        """The unit lets the daemon open the KVM device, as else every machine would be emulated."""
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment]
        unit.read(UNIT)
        service = unit["Service"]
        self.assertNotIn("PrivateDevices", service)
        self.assertEqual("/dev/kvm rw", service["DeviceAllow"])
        self.assertEqual("kvm", service["SupplementaryGroups"])

    def test_example_is_readable(self) -> None:
        """The example names no file that the unit's account, kept out of homes, cannot read."""
        settings = [
            line
            for line in (ROOT / "etc/example.vcycle.conf").read_text("utf-8").splitlines()
            if not line.startswith("#")
        ]
        self.assertNotIn("/root", "\n".join(settings))


class Scripts(SynchronousTestCase):
    """The shell scripts of the project."""

    def test_syntax(self) -> None:
        """Each is understood by the system's plain shell."""
        names = ["demo/run", "demo/prepare", "tests/run", ".ci/run", *PACKAGING]
        guest = [str(path) for path in (ROOT / "demo/guest/files").iterdir()]
        for name in [*names, *guest]:
            done = subprocess.run(["sh", "-n", str(ROOT / name)], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)

    def test_executable(self) -> None:
        """What the README and the CI call can be called."""
        for name in ("demo/run", "demo/prepare", "tests/run", ".ci/run", *PACKAGING):
            self.assertTrue((ROOT / name).stat().st_mode & 0o111, name)
