"""Whatever machines and files say, an operator's line is one line and tells no secret."""

from __future__ import annotations

import inspect
import io
import re
from pathlib import Path
from typing import Any, Callable

from attrs import evolve, fields
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import LogEvent, capturedLogs, eventAsText
from twisted.trial.unittest import SynchronousTestCase

import vcycle.daemon.events
from tests.core.values import NOW, machinetype, record
from vcycle.core.config.model import Problem
from vcycle.core.images import news
from vcycle.core.machine import Doom, Outcome, Record
from vcycle.core.observation import Creation, Verdict
from vcycle.daemon import events
from vcycle.daemon.logs import Lines

SECRET = "s3cr3t-of-the-machine"
ROOM = Path(vcycle.daemon.events.__file__).parent
GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "logs.rst"


def problem(text: str) -> Problem:
    return Problem(file=text, line=1, text=text)


def machine(text: str) -> Record:
    doom = Doom(outcome=Outcome.SILENT, text=text, since=NOW)
    return evolve(
        record(secret=SECRET), message=text, doom=doom, ended_at=NOW + 60, outcome=Outcome.ABORTED
    )


def creation(text: str) -> Creation:
    return Creation(
        machinetype=machinetype(),
        slot=0,
        name="factory1-00.example.com",
        processors=1,
        memory_mb=1,
        shutdown_time=NOW,
        reason=text,
    )


VALUES: dict[str, Callable[[str], Any]] = {
    "str": lambda text: text,
    "int": lambda text: 1,
    "float": lambda text: 1.0,
    "Iterable[str]": lambda text: [text],
    "Sequence[str]": lambda text: [text],
    "Iterable[object]": lambda text: [problem(text)],
    "Problem": problem,
    "Record": machine,
    "Creation": creation,
    "Verdict": lambda text: Verdict(machinetype="pilot", word="x", text=text),
    "News": lambda text: news.Lacking(url=text, reason=text),
}
"""A value for each kind of argument that an event can have, with a text in it."""

hostile = st.text(max_size=60) | st.lists(
    st.sampled_from(
        ["\n", "\r", "\x1b[2J", "\x00", "\u2028", "\x85", "<2>", "{event}", "300 ", SECRET, "é"]
    ),
    max_size=8,
).map("".join)


def spoken(name: str, text: str) -> list[LogEvent]:
    """What an event says of this text, in each of its arguments."""
    say = getattr(events, name)
    kinds = [str(p.annotation) for p in inspect.signature(say).parameters.values()]
    with capturedLogs() as captured:
        say(*(value(kind, text) for kind in kinds))
    return list(captured)


def value(kind: str, text: str) -> Any:
    """A value for an argument: of VALUES, or a piece of news with the text in it."""
    if kind in VALUES:
        return VALUES[kind](text)
    told = getattr(news, kind)
    return told(**{f.name: text if "str" in str(f.type) else 1 for f in fields(told)})


class HostileTests(SynchronousTestCase):
    @given(hostile)
    @settings(max_examples=40, deadline=None)
    def test_one_line(self, text: str) -> None:
        """Each event is one printable line, on the journal and for people, and by twistd too."""
        for name in events.__all__:
            for event in spoken(name, text):
                for journal in (True, False):
                    out = io.StringIO()
                    Lines(out, journal)(event)
                    line, end = out.getvalue().split("\n")
                    self.assertEqual("", end, name)
                    self.assertTrue(line.isprintable(), (name, line))
                own = eventAsText(event, includeTimestamp=False, includeSystem=False)
                self.assertTrue(own.isprintable(), (name, own))

    @given(hostile)
    @settings(max_examples=40, deadline=None)
    def test_no_secret(self, text: str) -> None:
        """No line about a machine tells its secret, though the machine says it itself."""
        for name in events.__all__:
            kinds = inspect.signature(getattr(events, name)).parameters.values()
            if any(str(kind.annotation) == "Record" for kind in kinds):
                for event in spoken(name, f"300 {text}{SECRET}"):
                    self.assertNotIn(SECRET, repr(event), name)


class GuideTests(SynchronousTestCase):
    def test_guide(self) -> None:
        """The guide has each line by its name, and none that is not there."""
        said = set()
        for path in ROOM.glob("*.py"):
            source = path.read_text("utf-8")
            said |= set(re.findall(r'event="([a-z-]+)"', source))
        table = GUIDE.read_text("utf-8").partition("\nThe lines to rely on\n")[2]
        told = re.findall(r"^``([a-z-]+)`` ", table, re.MULTILINE)
        self.assertEqual(sorted(said), sorted(told))
