"""Tests for vcycle.daemon.configuration, on real files."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vcycle.daemon.configuration import (
    MAX_BYTES,
    Places,
    examine_files,
    find,
    fingerprint,
    places_of,
    this_host,
)

HOST = "factory1.example.com"
SETTINGS = "[settings]\nvcycle_space = vcycle01.example.com\n"
MACHINETYPE = "[machinetype atlas]\ntarget_share = 1\nroot_image = atlas.img\n"


class FilesCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Path(self.mktemp()).absolute()
        (self.root / "vcycle.d").mkdir(parents=True)
        self.places = Places(
            directory=str(self.root / "vcycle.d"),
            main=str(self.root / "vcycle.conf"),
            momentary=str(self.root / "run.conf"),
        )

    def write(self, name: str, content: str | bytes) -> str:
        path = self.root / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return str(path)

    def told(self, places: Places | None = None) -> list[str]:
        """All problems, with paths below the test's directory."""
        reading = examine_files(places or self.places, HOST)
        return [str(problem).replace(f"{self.root}/", "") for problem in reading.problems]


class OrderTests(FilesCase):
    def test_standard_order(self) -> None:
        """The directory's files by name, then the main file, then the momentary one."""
        for name in ("run.conf", "vcycle.conf", "vcycle.d/b.conf", "vcycle.d/10.conf"):
            self.write(name, "")
        for name in ("vcycle.d/a.conf.example", "vcycle.d/.b.conf", "vcycle.d/b.conf~"):
            self.write(name, "not read")
        names = ["vcycle.d/10.conf", "vcycle.d/b.conf", "vcycle.conf", "run.conf"]
        self.assertEqual((tuple(str(self.root / n) for n in names), ()), find(self.places))

    def test_later_wins(self) -> None:
        """What a later file says replaces what an earlier one said."""
        self.write("vcycle.d/atlas.conf", MACHINETYPE)
        self.write("vcycle.conf", SETTINGS + "draining = no\n")
        self.write("run.conf", "[settings]\ndraining = yes\n")
        configuration = examine_files(self.places, HOST).configuration
        assert configuration is not None, "it can be used"
        self.assertTrue(configuration.spaces["vcycle01.example.com"].draining)

    def test_given_files(self) -> None:
        """Files that are named replace the standard order, in the order given."""
        self.write("vcycle.conf", "nonsense")
        one, two = self.write("one", SETTINGS + MACHINETYPE), self.write("two", "[settings]\n")
        self.assertEqual([], self.told(places_of(None, [one, two])))
        self.assertEqual([], self.told(places_of(one)))
        self.assertEqual((one, two), places_of(one, [two]).files)
        self.assertEqual(Places(), places_of(None))

    def test_parts_may_be_absent(self) -> None:
        """The main file alone is enough, and so is the directory."""
        main = self.write("vcycle.conf", SETTINGS + MACHINETYPE)
        (self.root / "vcycle.d").rmdir()
        self.assertEqual([], self.told())
        os.remove(main)
        (self.root / "vcycle.d").mkdir()
        self.write("vcycle.d/all.conf", SETTINGS + MACHINETYPE)
        self.assertEqual([], self.told())


class TroubleTests(FilesCase):
    def test_nothing(self) -> None:
        """No file at all is a problem with its cure."""
        cure = "write one, or name it by --config"
        self.assertEqual([f"vcycle.conf: no such file, and none in vcycle.d: {cure}"], self.told())

    def test_absent_file(self) -> None:
        """A file that was named must be there."""
        places = places_of(str(self.root / "other.conf"))
        self.assertEqual(
            ["other.conf: cannot be read: No such file or directory"], self.told(places)
        )

    def test_dangling_link(self) -> None:
        """A link to nothing is told; it was meant to be a file."""
        self.write("vcycle.conf", SETTINGS + MACHINETYPE)
        os.symlink("nowhere", self.root / "vcycle.d" / "a.conf")
        self.assertEqual(
            ["vcycle.d/a.conf: cannot be read: No such file or directory"], self.told()
        )

    def test_momentary_file_vanishes(self) -> None:
        """The momentary file may go between finding and reading it."""
        self.write("vcycle.conf", SETTINGS + MACHINETYPE)
        os.symlink("nowhere", self.root / "run.conf")
        self.assertEqual([], self.told())

    def test_not_a_file(self) -> None:
        """Directories and pipes are told at once, and hold up nothing."""
        self.write("vcycle.conf", SETTINGS + MACHINETYPE)
        (self.root / "vcycle.d" / "a.conf").mkdir()
        os.mkfifo(self.root / "vcycle.d" / "b.conf")
        text = "not a file; remove it or name another"
        self.assertEqual([f"vcycle.d/a.conf: {text}", f"vcycle.d/b.conf: {text}"], self.told())

    def test_directory_is_a_file(self) -> None:
        """A directory that cannot be listed is told."""
        self.write("vcycle.conf", SETTINGS + MACHINETYPE)
        (self.root / "vcycle.d").rmdir()
        self.write("vcycle.d", "")
        self.assertEqual(["vcycle.d: cannot be read: Not a directory"], self.told())

    def test_not_text(self) -> None:
        """The first byte that is no UTF-8 is named with its line."""
        self.write("vcycle.conf", (SETTINGS + "description = caf").encode() + b"\xe9\n")
        self.assertEqual(
            "vcycle.conf:3: byte 0xe9 is not UTF-8 text: save the file as UTF-8", self.told()[0]
        )

    def test_too_large(self) -> None:
        """A file over the bound is not read to its end."""
        self.write("vcycle.conf", b"#" * (MAX_BYTES + 1))
        text = f"too large: at most {MAX_BYTES} bytes of it are read; split or shorten"
        self.assertEqual([f"vcycle.conf: {text}"], self.told())

    def test_other_files_are_judged(self) -> None:
        """What is wrong in files that can be read is told beside one that cannot."""
        self.write("vcycle.conf", SETTINGS + "colour = blue\n" + MACHINETYPE)
        self.write("vcycle.d/a.conf", b"\xff")
        self.assertEqual(
            [
                "vcycle.d/a.conf:1: byte 0xff is not UTF-8 text: save the file as UTF-8",
                "vcycle.conf:3: [settings] colour: no such option",
            ],
            self.told(),
        )

    def test_odd_name(self) -> None:
        """A file's name that cannot be printed is told in a way that can be."""
        self.write("vcycle.conf", SETTINGS + MACHINETYPE)
        odd = os.path.join(os.fsencode(self.places.directory), b"\xff\n.conf")
        with open(odd, "wb") as file:
            file.write(b"nonsense\n")
        [problem] = self.told()
        self.assertTrue(problem.isprintable(), problem)
        self.assertIn("expected 'option = value'", problem)


class ExposedTests(FilesCase):
    def test_exposed_secret(self) -> None:
        """Who may read a file counts: a secret in one of root's own is no problem."""
        text = SETTINGS + "user_data_option_token = hunter2\n" + MACHINETYPE
        path = self.write("vcycle.conf", text)
        for mode, problems in ((0o644, 1), (0o640, 0), (0o600, 0), (0o604, 1)):
            os.chmod(path, mode)
            self.assertEqual(problems, len(self.told()), oct(mode))


class FingerprintTests(FilesCase):
    def test_unchanged(self) -> None:
        """Nothing changed, nothing new."""
        self.write("vcycle.conf", SETTINGS)
        self.assertEqual(fingerprint(self.places), fingerprint(self.places))

    def test_changes(self) -> None:
        """Files that come, go, are replaced, written or made unreadable all make a difference."""
        main = self.root / "vcycle.conf"
        seen = [fingerprint(self.places)]

        def differs() -> None:
            seen.append(fingerprint(self.places))
            self.assertEqual(len(seen), len(set(seen)))

        self.write("vcycle.conf", SETTINGS)
        differs()
        self.write("vcycle.d/a.conf", MACHINETYPE)
        differs()
        os.utime(main, ns=(1, 1))
        differs()
        self.write("new.conf", SETTINGS)
        os.replace(self.root / "new.conf", main)
        differs()
        os.chmod(main, 0o600)
        differs()
        os.remove(self.root / "vcycle.d" / "a.conf")
        os.rename(main, self.root / "run.conf")
        differs()


class HostTests(SynchronousTestCase):
    def test_name(self) -> None:
        """The host has some name, in one word."""
        self.assertEqual(1, len(this_host().split()))
