"""The guide and the manual pages: they build, and they tell of what the program reads."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vcycle import __version__
from vcycle.commands import nagios
from vcycle.commands.main import parser
from vcycle.core.config.options import OPTIONS

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = {"vcycle.1", "vcycled.8", "vcycle.conf.5", "check-vcycled.8"}


def sphinx(builder: str, out: str) -> None:
    """Build the documents; a warning is an error."""
    command = [sys.executable, "-m", "sphinx", "-E", "-q", "-n", "-W", "-b", builder]
    doctrees = ["-d", f"{out}/doctrees"]
    done = subprocess.run(
        [*command, *doctrees, str(ROOT / "docs"), out], capture_output=True, text=True
    )
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)


class ManualTests(SynchronousTestCase):
    """The manual pages, built once."""

    pages: dict[str, str] = {}

    def setUp(self) -> None:
        if not self.pages:
            with tempfile.TemporaryDirectory() as name:
                sphinx("man", name)
                for path in Path(name).glob("*.[1-8]"):
                    self.pages[path.name] = path.read_text("utf-8")
                    done = subprocess.run(
                        ["mandoc", "-Tlint", "-Werror", str(path)], capture_output=True, text=True
                    )
                    self.assertEqual(0, done.returncode, done.stdout)

    def test_pages(self) -> None:
        """All four are built, and mandoc finds no errors in them."""
        self.assertEqual(PAGES, set(self.pages))

    def test_options(self) -> None:
        """vcycle.conf(5) tells of each option that can be set, and of no other."""
        told = bold(self.pages["vcycle.conf.5"])
        known = {f"{o.name}XXX" if o.prefix else o.name for o in OPTIONS}
        self.assertEqual(set(), known - told)
        names = {word for word in told if re.fullmatch(r"[a-z0-9_]+_[a-z0-9_]+(XXX)?", word)}
        self.assertEqual(set(), names - known)

    def test_configured(self) -> None:
        """vcycle(1) names those commands that take no --config."""
        from docs.extension.reference import subcommands

        without = {
            name
            for name, one in subcommands(parser())
            if not any("--config" in action.option_strings for action in one._actions)
        }
        page = " ".join(self.pages["vcycle.1"].split()).replace("\\-", "-")
        told = re.search(r"standard ones\. (.*?) read only what", page)
        assert told is not None
        self.assertEqual(without, bold(told[1]))

    def test_environment(self) -> None:
        """vcycled(8) tells of each variable of its own."""
        sources = (path.read_text("utf-8") for path in (ROOT / "vcycle").rglob("*.py"))
        known = {name for text in sources for name in re.findall(r'"(VCYCLE_[A-Z]+)"', text)}
        self.assertIn("VCYCLE_LOG", known)
        told = {word.replace("\\", "") for word in bold(self.pages["vcycled.8"])}
        self.assertEqual(set(), known - told)

    def test_commands(self) -> None:
        """vcycle(1) tells of each option of each command, and of no other."""
        from docs.extension.reference import subcommands

        page = self.pages["vcycle.1"]
        known = set()
        for name, one in subcommands(parser()):
            self.assertIn(f".SS vcycle {name}\n", page)
            known |= {word for action in one._actions for word in action.option_strings}
        told = {word for word in bold(page) if word.startswith("--")}
        self.assertEqual(
            set(), {word for word in known if word.startswith("--")} - told - {"--help"}
        )
        self.assertEqual(set(), told - known - {"--version", "--config"})

    def test_check(self) -> None:
        """check-vcycled(8) tells of what its usage names."""
        usage = nagios.USAGE
        for word in re.findall(r"(?<![\w-])--?[a-z]+", usage):
            self.assertIn(word, bold(self.pages["check-vcycled.8"]))


def bold(page: str) -> set[str]:
    """The words that a manual page shows in bold."""
    found = re.findall(r"\\fB(.*?)\\f[PR]", page.replace("\\-", "-").replace("\\_", "_"))
    return {word.strip() for text in found for word in text.split(",")}


class GuideTests(SynchronousTestCase):
    def test_html(self) -> None:
        """The guide is built without a warning, and all its chapters are in it."""
        with tempfile.TemporaryDirectory() as name:
            sphinx("html", name)
            chapters = {path.stem for path in (ROOT / "docs/guide").glob("*.rst")}
            built = {path.stem for path in Path(name, "guide").glob("*.html")}
        self.assertEqual(chapters, built)


class NewsTests(SynchronousTestCase):
    def test_fragments(self) -> None:
        """Every fragment of news is one that towncrier takes in."""
        done = subprocess.run(
            [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "0.0"],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        for path in (ROOT / "newsfragments").glob("*.rst"):
            first = " ".join(path.read_text("utf-8").split())[:30]
            self.assertIn(first, " ".join(done.stdout.split()), path.name)

    def test_release(self) -> None:
        """A release has one section in CHANGES, with its date, and takes all fragments in."""
        with tempfile.TemporaryDirectory() as name:
            shutil.copytree(ROOT / "newsfragments", Path(name, "newsfragments"))
            for file in ("CHANGES", "towncrier.toml"):
                shutil.copy(ROOT / file, name)
            release = ["--yes", "--version", __version__, "--date", "2026-12-01"]
            done = subprocess.run(
                [sys.executable, "-m", "towncrier", "build", *release],
                cwd=name,
                capture_output=True,
                text=True,
            )
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
            text = Path(name, "CHANGES").read_text("utf-8")
            left = list(Path(name, "newsfragments").glob("*.rst"))
        sections = [line for line in text.splitlines() if line.startswith(__version__)]
        self.assertEqual([f"{__version__} (2026-12-01)"], sections)
        self.assertEqual([], left)
