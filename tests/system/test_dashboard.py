"""The dashboard in a real browser: of a made-up space, and of a real daemon's."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.system.case import SystemCase
from tests.system.chromium import chromium, contrast, errors, texts
from tests.system.waiting import until

ROOT = Path(__file__).resolve().parents[2]
KINDS = ["atlas-prod", "lhcb-prod", "alice-pilot", "ci-runner"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ShownCase(SynchronousTestCase):
    def show(self, *words: str) -> str:
        """The address of a page of a made-up space."""
        port = free_port()
        place = tempfile.TemporaryDirectory(prefix="vcshown")
        self.addCleanup(place.cleanup)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.shown", str(port), place.name, *words],
            cwd=ROOT,
            start_new_session=True,
        )
        self.addCleanup(process.wait, 10)
        self.addCleanup(os.killpg, process.pid, signal.SIGKILL)
        url = f"http://127.0.0.1:{port}/"
        until("it serves", lambda: _answers(url), 60)
        return url


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _open(driver: Any, url: str) -> None:
    driver.get(url)
    until("it is drawn", lambda: texts(driver, "#day svg") and texts(driver, "#kinds > li"), 30)


class PageTests(ShownCase):
    def test_shown(self) -> None:
        """Everything is there, follows what changes, and the browser has nothing to say of it."""
        with chromium() as driver:
            _open(driver, self.show())
            names = texts(driver, "#kinds strong")
            self.assertEqual(KINDS, names)
            self.assertIn("backing off", " ".join(texts(driver, "#kinds .badge")))
            self.assertEqual(5, len(texts(driver, "#factories > li")))
            self.assertIn(
                "silent: no answer within 10 s", " ".join(texts(driver, "#factories .quiet"))
            )
            self.assertEqual(24, len(texts(driver, "#machines > .slot:not(.free)")))
            self.assertEqual(7, len(texts(driver, "#ends > li")))
            self.assertEqual(2, len(texts(driver, "#images > li")))
            self.assertEqual(2, len(texts(driver, "#day svg")))
            self.assertEqual(["live"], texts(driver, "#link-text"))
            before = texts(driver, "#states > li")
            until("it follows", lambda: texts(driver, "#states > li") != before, 10)
            left = texts(driver, ".left .tick")
            until("it counts down", lambda: texts(driver, ".left .tick") != left, 10)
            self.assertEqual([], errors(driver))

    def test_hostile(self) -> None:
        """Names and messages that would be code are text, wherever they are from."""
        with chromium() as driver:
            _open(driver, self.show("hostile"))
            shown = "<img src=x onerror=alert(1)>"
            self.assertIn("<b>bold</b>", texts(driver, "#kinds strong"))
            for place in ("#kinds .badge", "#problems li", "#ends q", "#space-about"):
                self.assertIn(shown, " ".join(texts(driver, place)), place)
            counts = driver.execute_script(
                "return [document.querySelectorAll('main img, main b b, main script').length,"
                " document.scripts.length]"
            )
            self.assertEqual([0, 1], counts)
            self.assertEqual([], errors(driver))

    def test_phone(self) -> None:
        """On a phone, and a narrower one, nothing is wider than the screen."""
        url = self.show("hostile")
        for width in (390, 320):
            with chromium(width, 800) as driver:
                _open(driver, url)
                wide = driver.execute_script(
                    "return [document.documentElement.scrollWidth, window.innerWidth]"
                )
                self.assertEqual([width, width], wide)
                self.assertEqual([], errors(driver))

    def test_light_and_dark(self) -> None:
        """What the user prefers is what is shown, and can be read in both."""
        url = self.show()
        grounds = []
        for dark in (False, True):
            with chromium(dark=dark) as driver:
                _open(driver, url)
                grounds.append(
                    driver.execute_script("return getComputedStyle(document.body).backgroundColor")
                )
                for what in (".quiet", ".badge", "h2", ".value", ".left", ".legend li", ".of"):
                    self.assertGreater(contrast(driver, what), 4.5, (what, dark))
        self.assertNotEqual(grounds[0], grounds[1])

    def test_accessible(self) -> None:
        """Parts have names, pictures have words, and there is one of each name."""
        with chromium() as driver:
            _open(driver, self.show())
            tree = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
            roles: dict[str, list[str]] = {}
            for each in tree:
                role, name = each.get("role", {}), each.get("name", {})
                roles.setdefault(role.get("value", ""), []).append(name.get("value", ""))
            for role in ("image", "region", "heading", "status"):
                self.assertIn(role, roles)
            for role in ("image", "region", "heading", "link"):
                self.assertNotIn("", roles.get(role, []), role)
            self.assertTrue(any("has 44.4 %, is to have 37.5 %" in n for n in roles["image"]))
            repeated = driver.execute_script(
                "const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
                "return ids.length - new Set(ids).size"
            )
            self.assertEqual(0, repeated)

    def test_lost(self) -> None:
        """A page whose daemon is gone says so, and goes on showing what was last."""
        with chromium() as driver:
            _open(driver, self.show())
            self.doCleanups()
            until(
                "it says so",
                lambda: "trying again" in " ".join(texts(driver, "#link-text")),
                20,
            )
            self.assertEqual(KINDS, texts(driver, "#kinds strong"))


class DaemonTests(SystemCase):
    def setUp(self) -> None:
        super().setUp()
        self.monitor_port = free_port()

    def test_real(self) -> None:
        """A real daemon's machines are shown as they come, and Prometheus scrapes its numbers."""
        self.configure(self.space(total_machines=3), self.idle("idle"))
        self.daemon.start()
        url = f"http://127.0.0.1:{self.monitor_port}/"
        self.daemon.until("it serves", lambda: _answers(url))
        with chromium() as driver:
            driver.get(url)
            until("machines", lambda: len(texts(driver, "#machines > .s-running")) == 3, 60)
            self.assertEqual(["idle"], texts(driver, "#kinds strong"))
            self.assertEqual([], errors(driver))
        status = json.loads((self.daemon.state / "status.json").read_text("ascii"))
        self.assertEqual(3, status["spaces"][0]["machines"])
        with urllib.request.urlopen(f"{url}metrics", timeout=10) as answer:
            metrics = answer.read()
        checked = subprocess.run(
            ["promtool", "check", "metrics"], input=metrics, capture_output=True, timeout=60
        )
        self.assertEqual((0, b""), (checked.returncode, checked.stderr))
        self.assertIn(b'vcycle_leaks{kind="machine"} 0.0', metrics)
        self.assertIn(b'call="create"', metrics)
        self._scraped()

    def test_fenced(self) -> None:
        """A daemon behind its fence is watched from outside; guests are inside."""
        for words in (("add", "way0", "type", "bridge"), ("set", "way0", "up")):
            subprocess.run(["ip", "link", *words], check=True)
        self.addCleanup(subprocess.run, ["ip", "link", "del", "way0"], check=True)
        self.configure(self.space(total_machines=1), self.idle("idle"))
        self.daemon.start()
        url = f"http://127.0.0.1:{self.monitor_port}/"
        self.daemon.until("it serves", lambda: _answers(url))
        self.assertTrue(self.daemon.lines("in a network namespace of their own"))
        inside = Path(f"/proc/{self.daemon.pid}/ns/net").stat().st_ino
        self.assertNotEqual(Path("/proc/self/ns/net").stat().st_ino, inside)
        look = f"import urllib.request; urllib.request.urlopen({url!r}, timeout=5)"
        asked = ["nsenter", f"--net=/proc/{self.daemon.pid}/ns/net", sys.executable, "-c", look]
        told = subprocess.run(asked, capture_output=True, timeout=30)
        self.assertIn(b"Connection refused", told.stderr)

    def _scraped(self) -> None:
        """A real Prometheus finds it, with the rules that are shipped."""
        place = self.place / "prometheus"
        place.mkdir()
        etc = ROOT / "etc" / "monitoring"
        text = (etc / "prometheus.yml").read_text("utf-8")
        text = text.replace("30s", "1s").replace("9979", str(self.monitor_port))
        (place / "prometheus.yml").write_text(text, "utf-8")
        (place / "vcycle.rules.yml").write_bytes((etc / "vcycle.rules.yml").read_bytes())
        port = free_port()
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={place}/prometheus.yml",
                f"--storage.tsdb.path={place}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(process.wait, 20)
        self.addCleanup(process.kill)

        def running() -> bool:
            asked = subprocess.run(
                ["promtool", "query", "instant", f"http://127.0.0.1:{port}"]
                + ['sum(vcycle_machines{state="running"})'],
                capture_output=True,
                text=True,
                timeout=30,
            )
            return "=> 3 @" in asked.stdout

        until("Prometheus tells of three machines", running, 60, poll=0.5)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/rules", timeout=10) as answer:
            rules = json.loads(answer.read())["data"]["groups"][0]["rules"]
        self.assertNotIn("err", {rule["health"] for rule in rules})


del SystemCase
