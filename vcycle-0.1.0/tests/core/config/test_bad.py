"""Each file of ``bad`` is one kind of mistake, with all that an administrator is told of it."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.core.config.writing import HOST
from vcycle.core.config.build import examine, read
from vcycle.core.errors import ConfigError

DIRECTORY = Path(__file__).parent / "bad"
EXPECT = "# expect: "
ON_HOST = "# host: "


class BadFiles(SynchronousTestCase):
    """One test for each file; they are added below."""

    def test_kinds(self) -> None:
        """Over a hundred kinds of mistakes are known."""
        self.assertGreater(len(list(DIRECTORY.glob("*.conf"))), 100)

    def check(self, path: Path) -> None:
        text = path.read_bytes().decode("utf-8")
        lines = text.split("\n")
        expected = [line[len(EXPECT) :] for line in lines if line.startswith(EXPECT)]
        host = next((line[len(ON_HOST) :] for line in lines if line.startswith(ON_HOST)), HOST)
        reading = examine([("x.conf", text)], host)
        found = [
            f"{'-' if p.line is None else p.line}: {'error' if p.fatal else 'warning'}: {p.text}"
            for p in reading.problems
        ]
        self.assertEqual(expected, found)
        self.assertIsNone(reading.configuration)
        error = self.assertRaises(ConfigError, read, [("x.conf", text)], host)
        self.assertEqual([p for p in reading.problems if p.fatal], list(error.problems))


def _test_of(path: Path) -> None:
    def test(self: BadFiles) -> None:
        self.check(path)

    test.__doc__ = f"{path.name} is refused, with the messages written in it."
    setattr(BadFiles, f"test_{path.stem.replace('-', '_')}", test)


for _path in sorted(DIRECTORY.glob("*.conf")):
    _test_of(_path)
