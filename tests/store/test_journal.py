"""Tests for vcycle.store.journal."""

from __future__ import annotations

import errno
import gzip
import os
import random
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW
from tests.inplace import in_place
from vcycle.core.errors import StoreError
from vcycle.store.journal import FILES, SECONDS, Journal, files, lines

DAY = 86400.0


class JournalTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.place = Path(self.mktemp()).absolute()

    def journal(self, days: float = 7.0, mb: int = 200) -> Journal:
        """As a daemon that starts now has it."""
        return Journal(str(self.place), days, mb, in_place)

    def append(self, journal: Journal, line: bytes, now: float = NOW) -> None:
        self.successResultOf(Deferred.fromCoroutine(journal.append(lambda: line, now)))

    def read(self, since: float | None = None) -> list[bytes]:
        return [line.rstrip(b"\n") for line in lines(str(self.place), since)]

    def test_lines(self) -> None:
        """Lines come back in their order; a file of them is what zcat reads."""
        journal = self.journal()
        for line in (b"one", b"two", b"three"):
            self.append(journal, line)
        self.assertEqual([b"one", b"two", b"three"], self.read())
        [(at, path)] = files(str(self.place))
        self.assertEqual(int(NOW), at)
        self.assertEqual(b"one\ntwo\nthree\n", gzip.decompress(Path(path).read_bytes()))

    def test_nothing(self) -> None:
        """Where there is no journal there are no lines."""
        self.assertEqual([], self.read())

    def test_private(self) -> None:
        """It is for the daemon's group alone."""
        self.append(self.journal(), b"one")
        [(_, path)] = files(str(self.place))
        self.assertEqual(0, os.stat(path).st_mode & 0o007)

    def test_refused(self) -> None:
        """Who may not read it is told whose it is."""
        if os.geteuid() == 0:
            # Nothing is refused to root.
            self.addCleanup(os.seteuid, 0)
            self.append(self.journal(), b"one")
            self.place.chmod(0o700)
            os.seteuid(65534)
        else:
            self.append(self.journal(), b"one")
            self.place.chmod(0)
            self.addCleanup(self.place.chmod, 0o700)
        error = self.assertRaises(StoreError, self.read)
        self.assertIn(
            "not permitted; be root, or become a member of the daemon's group", str(error)
        )

    def test_time(self) -> None:
        """What is older than journal_days goes; what is younger stays."""
        journal = self.journal(days=1.0)
        for hour in range(72):
            self.append(journal, str(hour).encode(), NOW + hour * 3600)
        kept = [int(line) for line in self.read()]
        self.assertTrue(set(range(72 - 24, 72)) <= set(kept), kept)
        self.assertGreaterEqual(kept[0], 72 - 24 - 2 * SECONDS / 3600)

    def test_size(self) -> None:
        """However large the lines, no more than journal_mb is there, and the youngest of them."""
        journal, chance = self.journal(mb=1), random.Random(1)
        for number in range(200):
            line = b"%d " % number + chance.randbytes(15_000).hex().encode()
            self.append(journal, line, NOW + number)
            total = sum(os.stat(path).st_size for _, path in files(str(self.place)))
            self.assertLessEqual(total, 1 << 20)
        numbers = [int(line.split()[0]) for line in self.read()]
        self.assertEqual(list(range(numbers[0], 200)), numbers)
        self.assertGreater(sum(1 for _ in numbers) * 16_000, (1 << 20) // 2)

    def test_huge(self) -> None:
        """A line that is larger than a file should be has one of its own."""
        journal, chance = self.journal(mb=1), random.Random(1)
        for number in range(6):
            self.append(journal, chance.randbytes((1 << 20) // FILES).hex().encode(), NOW + number)
        self.assertEqual(6, len(files(str(self.place))))

    def test_off(self) -> None:
        """Nothing is kept where nothing may be."""
        self.append(self.journal(mb=0), b"one")
        self.append(self.journal(days=0.0), b"one")
        self.assertFalse(self.place.exists())

    def test_crash(self) -> None:
        """What a crash cut off at any byte is left out; what is around it is there."""
        self.append(self.journal(), b"first")
        [(_, path)] = files(str(self.place))
        whole = len(Path(path).read_bytes())
        again = self.journal()
        self.append(again, b"second")
        both = Path(path).read_bytes() + Path(files(str(self.place))[1][1]).read_bytes()
        os.unlink(files(str(self.place))[1][1])
        for cut in range(whole, len(both)):
            Path(path).write_bytes(both[:cut])
            self.assertEqual([b"first"], self.read(), cut)
        self.append(self.journal(), b"third", NOW + 60)
        self.assertEqual([b"first", b"third"], self.read())

    def test_damaged(self) -> None:
        """Damage in one file hides what follows in it, not the other files."""
        self.append(self.journal(), b"first")
        self.append(self.journal(), b"second")
        path = Path(files(str(self.place))[0][1])
        path.write_bytes(b"\0" + path.read_bytes())
        self.assertEqual([b"second"], self.read())

    def test_since(self) -> None:
        """Files that end before a moment are not read."""
        for number in range(3):
            self.append(self.journal(), str(number).encode(), NOW + number * 1000)
        self.assertEqual([b"1", b"2"], self.read(NOW + 1500))

    def test_clock_back(self) -> None:
        """Whatever the clock is set to, later lines come later."""
        for number, at in enumerate((NOW, NOW - 5 * DAY, NOW - 5 * DAY, 0.0)):
            self.append(self.journal(), str(number).encode(), at)
        self.assertEqual([b"0", b"1", b"2", b"3"], self.read())

    def test_others(self) -> None:
        """Files that are not the journal's are neither read nor removed."""
        self.place.mkdir()
        (self.place / "notes.txt").write_text("mine")
        journal = self.journal(days=0.1)
        self.append(journal, b"one")
        self.append(journal, b"two", NOW + 30 * DAY)
        self.assertTrue((self.place / "notes.txt").exists())
        self.assertEqual([b"two"], self.read())

    def test_full_disk(self) -> None:
        """A line that does not fit is not there in part, and the next one that fits is."""
        journal = self.journal()
        self.append(journal, b"one")
        real = os.write

        def full(fd: int, data: bytes) -> int:
            real(fd, bytes(data)[:5])
            raise OSError(errno.ENOSPC, "No space left on device")

        self.patch(os, "write", full)
        failed = Deferred.fromCoroutine(journal.append(lambda: b"two", NOW))
        self.failureResultOf(failed).trap(StoreError)
        self.patch(os, "write", real)
        self.append(journal, b"three")
        self.assertEqual([b"one", b"three"], self.read())

    def test_no_directory(self) -> None:
        """Where it cannot be, that is said with its path."""
        self.place.parent.mkdir(parents=True, exist_ok=True)
        self.place.write_text("a file")
        failed = Deferred.fromCoroutine(self.journal().append(lambda: b"x", NOW))
        failure = self.failureResultOf(failed)
        failure.trap(StoreError)
        self.assertIn(str(self.place), str(failure.value))
