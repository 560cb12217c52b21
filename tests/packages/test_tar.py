"""Installing from the sdist, without rpm: ``make install`` gives what the packages give."""

from __future__ import annotations

import functools
import re
import stat
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.packages.building import built, packages, told, workshop

DEBIAN = "/usr/bin/python3"

# What the packages have beside: licenses in their own place, logs that systemd-tmpfiles makes.
PACKAGED_ALONE = re.compile(r"/usr/share/(doc|licenses)/[^/]+(/LICENSE)?|/var/log/vcycled-\w+")
# pip's notes of what it installed.
INSTALLED_ALONE = re.compile(r"python/vcycle-[^/]+\.dist-info/(RECORD|REQUESTED|direct_url\.json)")
# Directories of the distribution, or of packages that ours require or only lend a file to.
OTHERS = """
/etc /etc/cron.d /etc/logrotate.d /usr /usr/bin /usr/sbin /usr/lib /usr/lib/systemd
/usr/lib/systemd/system /usr/lib/sysusers.d /usr/lib/tmpfiles.d /usr/share
/usr/share/bash-completion /usr/share/bash-completion/completions /usr/share/doc /usr/share/man
/usr/share/man/man1 /usr/share/man/man5 /usr/share/man/man8 /usr/share/polkit-1
/usr/share/polkit-1/rules.d /var /var/lib python/twisted python/twisted/plugins
"""


@functools.cache
def source() -> Path:
    """The unpacked sdist of the shared package's build."""
    (sdist,) = (built(private=False) / "SOURCES").glob("*.tar.gz")
    place = workshop() / "unpacked"
    place.mkdir()
    told("tar", "-xzf", str(sdist), "-C", str(place))
    (tree,) = place.iterdir()
    return tree


def install(python: str, prefix: str, root: Path) -> None:
    """Have ``make install`` fill a directory."""
    words = (f"DESTDIR={root}", f"PREFIX={prefix}", f"PYTHON={python}")
    told("make", "-s", "-C", str(source()), "install", *words)


def modes(root: Path) -> dict[str, int]:
    """All paths below a directory, as on a host, with type and mode."""
    return {plain(f"/{p.relative_to(root)}"): p.lstat().st_mode for p in root.rglob("*")}


def packaged() -> dict[str, int]:
    """All paths of the shared packages, with type and mode."""
    found = {}
    for path in packages(built(private=False)).values():
        form = "[%{FILEMODES} %{FILENAMES}\n]"
        for line in told("rpm", "-qp", "--qf", form, str(path)).splitlines():
            mode, _, file = line.partition(" ")
            found[plain(file)] = int(mode) & 0xFFFF
    return found


def plain(file: str) -> str:
    """A path whatever the Python and the compression of manual pages."""
    path = file[:-3] if file.endswith(".gz") and "/man/" in file else file
    for library in ("/site-packages/", "/dist-packages/"):
        if library in path:
            return "python/" + path.partition(library)[2]
    return path


class TarTests(SynchronousTestCase):
    """The files that ``make install`` installs, and where."""

    def compare(self, python: str) -> None:
        """What a Python installs to /usr is what is packaged, file by file, with its mode."""
        ours = packaged()
        with tempfile.TemporaryDirectory() as name:
            install(python, "/usr", Path(name))
            found = modes(Path(name))
        alone = {path for path in ours.keys() - found.keys() if not PACKAGED_ALONE.fullmatch(path)}
        self.assertEqual(set(), alone, "packaged, not installed")
        extra = {
            path
            for path in found.keys() - ours.keys()
            if not INSTALLED_ALONE.fullmatch(path)
            and path not in OTHERS.split()
            and not re.fullmatch(r"/usr/lib/python[\d.]+(/(site|dist)-packages)?", path)
        }
        self.assertEqual(set(), extra, "installed, not packaged")
        for path in ours.keys() & found.keys():
            self.assertEqual(stat.filemode(ours[path]), stat.filemode(found[path]), path)

    def test_make_install(self) -> None:
        """``make install`` from the sdist gives the files of the packages."""
        self.compare(sys.executable)

    def test_debian(self) -> None:
        """It does so with Debian's own Python, and puts modules where that one looks."""
        if not Path("/etc/debian_version").exists():
            raise unittest.SkipTest("this is not Debian")
        self.compare(DEBIAN)
        for prefix in ("/usr", "/usr/local"):
            with tempfile.TemporaryDirectory() as name:
                install(DEBIAN, prefix, Path(name))
                (plugin,) = Path(name).rglob("vcycle_plugin.py")
            home = str(plugin.parents[2]).replace(name, "", 1)
            paths = told(DEBIAN, "-I", "-c", "import sys; print(*sys.path, sep='\\n')")
            self.assertIn(home, paths.splitlines(), prefix)

    def test_prefix(self) -> None:
        """With another prefix each file that names a program names one that is there."""
        for python in {sys.executable, DEBIAN}:
            with tempfile.TemporaryDirectory() as name:
                root = Path(name)
                install(python, "/usr/local", root)
                for file, form in {
                    "usr/lib/systemd/system/vcycled.service": r"ExecStart=(\S+)",
                    "etc/nrpe.d/vcycle.cfg": r"command\[.*\]=(\S+)",
                    "etc/cron.d/vcycle-ssmsend-cron": r"runuser -u vcycle -- (\S+)",
                }.items():
                    text = (root / file).read_text("utf-8")
                    (program,) = re.findall(form, text)
                    self.assertTrue(program.startswith("/usr/local/"), program)
                    self.assertTrue((root / program[1:]).stat().st_mode & 0o111, program)
                    self.assertNotRegex(text, r"(?<!local)/s?bin/(vcycle|check-vcycle)", file)
                self.assertTrue((root / "usr/local/sbin/vcycle").exists())
                # Where alone polkit and systemd look.
                self.assertTrue((root / "usr/share/polkit-1/rules.d/60-vcycle.rules").exists())
                for where in ("sysusers.d", "tmpfiles.d"):
                    self.assertTrue((root / "usr/lib" / where / "vcycle.conf").exists())

    def test_again(self) -> None:
        """What an administrator edited stays, with the other version beside it."""
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            install(sys.executable, "/usr", root)
            before, edited = modes(root), root / "etc/vcycle.conf"
            shipped = edited.read_bytes()
            edited.write_text("# mine\n")
            install(sys.executable, "/usr", root)
            self.assertEqual("# mine\n", edited.read_text())
            self.assertEqual(shipped, (root / "etc/vcycle.conf.rpmnew").read_bytes())
            self.assertEqual({"/etc/vcycle.conf.rpmnew"}, modes(root).keys() - before.keys())

    def test_wheel(self) -> None:
        """The wheel from the sdist has daemon, plugin, page and commands, and no man pages."""
        (sdist,) = (built(private=False) / "SOURCES").glob("*.tar.gz")
        with tempfile.TemporaryDirectory() as name:
            pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps"]
            told(*pip, "--no-build-isolation", "-w", name, str(sdist))
            (wheel,) = Path(name).glob("*.whl")
            names = zipfile.ZipFile(wheel).namelist()
        self.assertIn("twisted/plugins/vcycle_plugin.py", names)
        self.assertNotIn("twisted/__init__.py", names)
        self.assertTrue([name for name in names if name.endswith(".html")], "the page is missing")
