"""Tests for vcycle.daemon.events: each operator's line, its level, fields and text."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from attrs import evolve
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, ended, machinetype, record
from vcycle.core.config.model import Problem
from vcycle.core.images import news
from vcycle.core.machine import Doom, Outcome, Record
from vcycle.core.observation import Creation, Verdict
from vcycle.daemon import events

MACHINE = "factory1-00.example.com"
IMAGE = "https://example.com/x.iso"
SPACE = "vac01.example.com"
PROBLEM = Problem(file="/etc/vcycle.conf", line=3, text="colour: no such option")
DOOM = Doom(outcome=Outcome.OVERTIME, text="older than max_wallclock_seconds", since=NOW)
VERDICT = Verdict(machinetype="pilot", word="backing-off", text="backs off for 9m")
CREATION = Creation(
    machinetype=machinetype(),
    slot=0,
    name=MACHINE,
    processors=2,
    memory_mb=4096,
    shutdown_time=NOW,
    reason="share 1, 0 HS06 in use, new",
)

LINES: dict[str, tuple[Callable[[], None], str]] = {
    "daemon-started": (
        lambda: events.daemon_started("0.1", "/var/lib/vcycle", ["a.test", "b.test"]),
        "info: Vcycle 0.1 runs; state in /var/lib/vcycle; spaces: a.test, b.test",
    ),
    "daemon-stopping": (
        events.daemon_stopping,
        "info: Vcycle stops; machines are left running",
    ),
    "monitored": (
        lambda: events.monitored("http://127.0.0.1:9979/"),
        "info: Dashboard and metrics are at http://127.0.0.1:9979/",
    ),
    "not-monitored": (
        lambda: events.not_monitored("http://127.0.0.1:9979/", "the port is taken"),
        "warn: Dashboard and metrics cannot be shown at http://127.0.0.1:9979/: the port is taken",
    ),
    "left-behind": (
        lambda: events.left_behind("spaces", 4.0),
        "warn: spaces did not stop within 4s and is left behind",
    ),
    "image-fetched": (
        lambda: events.image_fetched(
            news.Fetched(
                url=IMAGE,
                path="/x/image",
                size=410_000_000,
                sha256="0a",
                seconds=61.0,
                resumed=1_000_000,
                signed_by="/CN=signer",
            )
        ),
        f"info: Image {IMAGE}: 410 MB fetched in 1m 01s, 1.00 MB of it from before, SHA-256 0a,"
        " signed by /CN=signer: /x/image",
    ),
    "image-kept": (
        lambda: events.image_kept(
            news.Kept(url=IMAGE, reason="the server answers 500", age=3600.0)
        ),
        f"warn: Image {IMAGE}: the copy confirmed 1h 00m ago is used: the server answers 500",
    ),
    "image-lacking": (
        lambda: events.image_lacking(news.Lacking(url=IMAGE, reason="it has expired")),
        f"error: Image {IMAGE}: there is no good copy: it has expired; it is tried again",
    ),
    "image-back": (
        lambda: events.image_back(news.Back(url=IMAGE)),
        f"info: Image {IMAGE}: its server is right again",
    ),
    "image-removed": (
        lambda: events.image_removed(news.Removed(path="/x/image", size=1000, why="it is old")),
        "info: Image removed from the cache, 1.00 KB, as it is old: /x/image",
    ),
    "image-trouble": (
        lambda: events.images(news.Trouble(text="/x/index.json: not JSON")),
        "error: Cache of images: /x/index.json: not JSON",
    ),
    "factory-silent": (
        lambda: events.factory_silent(SPACE, "factory2.example.com", "no answer within 10 s"),
        "warn: vac01.example.com: factory2.example.com does not answer: no answer within 10 s",
    ),
    "factory-heard": (
        lambda: events.factory_heard(SPACE, "factory2.example.com"),
        "info: vac01.example.com: factory2.example.com is not missing any more",
    ),
    "factories-changed": (
        lambda: events.factories_changed(SPACE, 3, 0),
        "info: vac01.example.com: 3 more factories do not answer, 0 more are not missing any more",
    ),
    "fenced": (
        lambda: events.fenced("in a namespace"),
        "info: Guests are fenced: in a namespace",
    ),
    "configuration-changed": (
        lambda: events.configuration_changed(["space a.test: added"]),
        "info: Configuration: space a.test: added",
    ),
    "configuration-warning": (
        lambda: events.configuration_warning(PROBLEM),
        "warn: Configuration: /etc/vcycle.conf:3: colour: no such option",
    ),
    "configuration-wrong": (
        lambda: events.configuration_wrong([PROBLEM]),
        "error: Configuration: /etc/vcycle.conf:3: colour: no such option",
    ),
    "configuration-former": (
        lambda: events.former_configuration("/x/configuration.json"),
        "warn: The last configuration that could be used supervises, as kept in"
        " /x/configuration.json",
    ),
    "configuration-not-kept": (
        lambda: events.configuration_not_kept("disk full"),
        "warn: The configuration is not kept for the next start: disk full",
    ),
    "configuration-unread": (
        lambda: events.configuration_unread("no answer"),
        "warn: Configuration: could not be looked at again: no answer",
    ),
    "nothing-runs": (
        events.nothing_runs,
        "error: Nothing runs until the configuration is right, as no former one is kept",
    ),
    "cannot-begin": (
        lambda: events.cannot_begin("/x belongs to another"),
        "error: Nothing runs yet, and is tried again: /x belongs to another",
    ),
    "configuration-right": (events.configuration_right, "info: Configuration: right again"),
    "needs-restart": (
        lambda: events.needs_restart("[settings] state_dir = /x"),
        "warn: Configuration: [settings] state_dir = /x takes effect at the next start",
    ),
    "cycle-failed": (
        lambda: events.cycle_failed(SPACE, "no answer", 60.0),
        f"error: {SPACE}: this cycle ended early, the next comes within 60s: no answer",
    ),
    "provider": (
        lambda: events.provider_said("qemu:///system", "KVM"),
        "info: qemu:///system: KVM",
    ),
    "provider-lost": (
        lambda: events.provider_lost(SPACE, "no connection"),
        f"warn: {SPACE}: no answer from the provider, machines are left as they are: no connection",
    ),
    "provider-back": (
        lambda: events.provider_back(SPACE, 61.0),
        f"info: {SPACE}: the provider answers again after 1m 01s",
    ),
    "machine-creating": (
        lambda: events.creating(SPACE, CREATION, "the-uuid"),
        f"info: Creating {MACHINE} with machinetype pilot, 2 processor(s),"
        " until 2023-11-14 22:13:20Z (share 1, 0 HS06 in use, new)",
    ),
    "machine-created": (
        lambda: events.created(record(), 0.125),
        f"info: {MACHINE} created in 0.12s ({record().uuid})",
    ),
    "machine-creation-failed": (
        lambda: events.creation_failed(record(), "no such image"),
        f"error: {MACHINE} (pilot) was not created: no such image",
    ),
    "machine-creation-unknown": (
        lambda: events.creation_unknown(record(), "no answer"),
        f"warn: {MACHINE} (pilot): it is not known whether it was created: no answer",
    ),
    "machine-adopted": (
        lambda: events.adopted(record()),
        f"warn: {MACHINE} (pilot) is ours, but had no record; adopted",
    ),
    "machine-said": (
        lambda: events.said(record(), "200 Success"),
        f"info: {MACHINE} (pilot) says '200 Success'",
    ),
    "machine-doomed": (
        lambda: events.doomed(evolve(record(), doom=DOOM)),
        f"warn: {MACHINE} (pilot) is destroyed: older than max_wallclock_seconds",
    ),
    "machine-not-destroyed": (
        lambda: events.not_destroyed(record(), "busy"),
        f"error: {MACHINE} could not be destroyed, and is tried again: busy",
    ),
    "machine-finished": (
        lambda: events.finished(ended(message="200 Success")),
        f"info: {MACHINE} (pilot) completed after 3600s: '200 Success'",
    ),
    "verdict": (
        lambda: events.verdict(SPACE, VERDICT),
        f"info: {SPACE}: pilot: backs off for 9m",
    ),
    "vetoed": (
        lambda: events.vetoed(SPACE, "draining = yes"),
        f"info: {SPACE}: no machines are created: draining = yes",
    ),
    "alarm": (lambda: events.alarmed(SPACE, "odd"), f"warn: {SPACE}: odd"),
    "store-failed": (lambda: events.store_failed(SPACE, "full"), f"error: {SPACE}: full"),
    "clock-stepped": (
        lambda: events.clock_stepped(-3600.0),
        "warn: The clock was set by -3600.0s; the ages of machines are kept",
    ),
    "serving": (
        lambda: events.serving("http://127.0.0.1:80"),
        "info: Machines are served at http://127.0.0.1:80",
    ),
    "not-serving": (
        lambda: events.not_serving("127.0.0.1:80", "in use"),
        "error: Machines cannot be served at 127.0.0.1:80: in use",
    ),
    "answering": (
        lambda: events.answering("all addresses, UDP port 995"),
        "info: Other factories are answered at all addresses, UDP port 995",
    ),
    "not-answering": (
        lambda: events.not_answering("all addresses, UDP port 995", "Permission denied"),
        "error: Other factories cannot be answered at all addresses, UDP port 995:"
        " Permission denied; it is tried again",
    ),
    "ordered": (
        lambda: events.ordered("ann (uid 1000, pid 77)", "drain pilot of all spaces: repairs"),
        "info: Ordered by ann (uid 1000, pid 77): drain pilot of all spaces: repairs",
    ),
    "pipe-read": (
        lambda: events.pipe_read(SPACE, "exvo", "https://pipes.example.com/exvo.pipe", 2),
        f"info: {SPACE}: Vacuum pipe exvo: 2 machinetypes in https://pipes.example.com/exvo.pipe",
    ),
    "pipe-troubled": (
        lambda: events.pipe_troubled(SPACE, "exvo", "404; the document of 2h 05m ago is used"),
        f"warn: {SPACE}: Vacuum pipe exvo: 404; the document of 2h 05m ago is used",
    ),
    "pipe-not-kept": (
        lambda: events.pipe_not_kept("/s/pipes: the disk is full"),
        "warn: A vacuum pipe's document is not kept for the next start: /s/pipes: the disk is full",
    ),
    "space-left": (
        lambda: events.space_left(SPACE),
        f"info: {SPACE}: its last machine is over; the space is left",
    ),
    "user-data-unknown": (
        lambda: events.user_data_unknown(SPACE, "pilot", ["option_foo", "uid"]),
        f"warn: {SPACE}: user_data of pilot: nothing stands for ##user_data_option_foo##,"
        " ##user_data_uid##, which was left out",
    ),
    "user-data-unused": (
        lambda: events.user_data_unused(SPACE, "pilot", ["user_data_option_foo"]),
        f"info: {SPACE}: user_data of pilot does not use user_data_option_foo",
    ),
}


class LineTests(SynchronousTestCase):
    def test_lines(self) -> None:
        """Each event has its name, its level and its text."""
        for name, (say, line) in LINES.items():
            with capturedLogs() as captured:
                say()
            first = captured[0]
            self.assertEqual(name, first["event"])
            self.assertEqual(line, f"{first['log_level'].name}: {formatEvent(first)}")
            self.assertEqual("vcycle", first["log_namespace"], name)

    def test_all(self) -> None:
        """No event is without a test, here or where what it tells of is tested."""
        tests = Path(__file__).parents[1].rglob("test_*.py")
        said = " ".join(path.read_text("utf-8") for path in tests)
        self.assertEqual([], [name for name in events.__all__ if f"events.{name}" not in said])

    def test_images(self) -> None:
        """Each piece of news of images has its line."""
        for say in (
            lambda: events.images(news.Back(url=IMAGE)),
            lambda: events.images(news.Lacking(url=IMAGE, reason="x")),
            lambda: events.image_trouble(news.Trouble(text="x")),
        ):
            with capturedLogs() as captured:
                say()
            self.assertEqual(1, len(captured))

    def test_many_patterns(self) -> None:
        """A template with thousands of long patterns is told in one bounded line."""
        with capturedLogs() as captured:
            events.user_data_unknown(SPACE, "pilot", ["x" * 1000] * 5000)
        line = formatEvent(captured[0])
        self.assertLess(len(line), 2500)
        self.assertIn("and 4980 more", line)

    def test_machines_can_be_found(self) -> None:
        """Lines about one machine have its space, name and uuid as fields."""
        doomed = evolve(record(), doom=DOOM)
        for say in (
            lambda: events.created(record(), 1.0),
            lambda: events.creation_failed(record(), "x"),
            lambda: events.creation_unknown(record(), "x"),
            lambda: events.adopted(record()),
            lambda: events.doomed(doomed),
            lambda: events.not_destroyed(record(), "x"),
            lambda: events.finished(ended()),
        ):
            with capturedLogs() as captured:
                say()
            [event] = captured
            found = [event[key] for key in ("space", "machine", "uuid")]
            self.assertEqual([SPACE, MACHINE, record().uuid], found)

    def test_no_secret(self) -> None:
        """No line holds a machine's secret, in its text or in its fields."""
        with capturedLogs() as captured:
            for say, _ in LINES.values():
                say()
        self.assertNotIn(record().secret, repr(captured))

    def test_wrong_configuration(self) -> None:
        """Each problem has a line; the last one says what that means for machines."""
        with capturedLogs() as captured:
            events.configuration_wrong([PROBLEM, PROBLEM])
        self.assertEqual(3, len(captured))
        self.assertIn("No machines are created", formatEvent(captured[-1]))

    def test_no_spaces(self) -> None:
        """A daemon without spaces says so."""
        with capturedLogs() as captured:
            events.daemon_started("0.1", "/x", [])
        self.assertTrue(formatEvent(captured[0]).endswith("spaces: none"))


class FinishedTests(SynchronousTestCase):
    def said(self, over: Record) -> str:
        with capturedLogs() as captured:
            events.finished(over)
        [event] = captured
        return f"{event['log_level'].name}: {formatEvent(event)}".replace(f"{MACHINE} (pilot) ", "")

    def test_abort(self) -> None:
        """An abort is a warning, as a back-off follows."""
        over = ended(abort=True, outcome=Outcome.FIZZLED, ended_at=NOW + 30)
        self.assertEqual("warn: fizzled after 30s: ''", self.said(over))

    def test_hint(self) -> None:
        """Who found no work after so long may need a greater fizzle_seconds: the line says it."""
        over = ended(
            abort=True, outcome=Outcome.ABORTED, message="300 Nothing to do", ended_at=NOW + 125.4
        )
        self.assertEqual(
            "warn: aborted after 125s: '300 Nothing to do' Minimum pilot fizzle_seconds=125 ?",
            self.said(over),
        )

    def test_no_hint(self) -> None:
        """Other messages give no hint."""
        self.assertNotIn("Minimum", self.said(ended(message="200 OK")))
        self.assertNotIn("Minimum", self.said(ended(message=None)))

    def test_never_started(self) -> None:
        """A machine that never started has the time since it was asked for."""
        over = record(ended_at=NOW + 7, outcome=Outcome.NEVER_STARTED, abort=True)
        self.assertEqual("warn: never-started after 7s: ''", self.said(over))
