"""The table of the loader's rules agrees with messages that the real loader was given."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.core.accounting.loader import VECTORS, Refused, load
from vcycle.core.accounting.messages import JOB, read, write

NOW = 1767400000.0


def vectors(*names: str) -> list[Path]:
    """The messages below some of the directories."""
    return sorted(path for name in names for path in (VECTORS / name).rglob("*") if path.is_file())


class LoaderTests(SynchronousTestCase):
    def test_accepted(self) -> None:
        """What the real loader took, the table takes."""
        paths = vectors("apel-archive", "apel-outgoing", "variants")
        self.assertGreater(len(paths), 8)
        for path in paths:
            expected = 2 if path.name == "two-records" else 1
            self.assertEqual(expected, len(load(path.read_text("ascii"), NOW)), path)

    def test_refused(self) -> None:
        """What the real loader refused, the table refuses."""
        paths = vectors("rejected-by-apel")
        self.assertGreater(len(paths), 8)
        for path in paths:
            if path.name != "localjobid-None-string":
                self.assertRaises(Refused, load, path.read_text("ascii"), NOW)

    def test_null(self) -> None:
        """A word that means nothing is a value that is missing."""
        [path] = [p for p in vectors("rejected-by-apel") if p.name == "localjobid-None-string"]
        self.assertRaises(Refused, load, path.read_text("ascii"), NOW)

    def test_our_own_reading(self) -> None:
        """We read messages of one record, and write them as they were."""
        for path in vectors("apel-archive", "apel-outgoing"):
            text = path.read_text("ascii")
            message = read(text)
            self.assertEqual(text, write(message.kind, message.version, message.fields.items()))

    def test_not_ours(self) -> None:
        """Whatever is no message of one record is refused with a reason."""
        good = write(JOB, "v0.3", [("Site", "A")])
        for text in (
            "",
            "Site: A\n%%\n",
            good[:-1],
            good[:-4],
            good + good,
            good.replace(": A", " A"),
            good.replace("A\n", "\u00c4\n"),
            good.replace("A\n", "A\n" * 100),
            good.replace("A\n", "A" * 100_000 + "\n"),
        ):
            self.assertRaises(ValueError, read, text)
