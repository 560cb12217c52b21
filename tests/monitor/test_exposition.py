"""Tests for vcycle.monitor.exposition: the form that Prometheus reads."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import NOW, SPACE
from tests.monitor.scenery import HERE, busy, ends
from vcycle.core.metrics import Readings, families
from vcycle.core.tally import Tally
from vcycle.monitor.exposition import MissingPackage, page

ETC = Path(__file__).parents[2] / "etc" / "monitoring"


def readings() -> Readings:
    tally = Tally()
    for record in ends(NOW):
        tally.ended(record)
    tally.cycle(SPACE, 0.2)
    tally.call("qemu:///system", "create", "good", 1.0)
    tally.error("alarm")
    return Readings(
        version="1.0",
        started_at=NOW,
        snapshots=(busy(NOW),),
        tally=tally,
        leaks={"disks": 0},
        answers={SPACE: True},
        hung={"files": 0},
        images={"https://a.test/i": (NOW, False)},
        accounting=(3, NOW),
    )


def text(accept: str = "") -> str:
    return page(accept, lambda: families(readings()))[0].decode()


def promtool(*words: str, given: str = "", **more: Any) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run(
        ["promtool", *words], input=given, capture_output=True, text=True, timeout=60, **more
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class ExpositionTests(SynchronousTestCase):
    def test_parsed(self) -> None:
        """What is written is what was counted."""
        samples = {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text())
            for sample in family.samples
        }
        key = (("machinetype", "lhcb-prod"), ("space", SPACE), ("state", "running"))
        self.assertEqual(HERE["lhcb-prod"] - 3, samples["vcycle_machines", key[0], key[1], key[2]])
        done = (("machinetype", "ci-runner"), ("outcome", "completed"), ("space", SPACE))
        self.assertEqual(1, samples["vcycle_machine_ends_total", done[0], done[1], done[2]])
        self.assertEqual(0.2, samples["vcycle_cycle_duration_seconds_sum", ("space", SPACE)])
        self.assertIn(("process_resident_memory_bytes",), samples)

    def test_openmetrics(self) -> None:
        """Who asks for OpenMetrics gets that."""
        body, kind = page("application/openmetrics-text; version=1.0.0", lambda: ())
        self.assertIn("openmetrics", kind)
        self.assertTrue(body.endswith(b"# EOF\n"))

    def test_promtool(self) -> None:
        """Prometheus' own tool finds nothing to say about names, units and help."""
        self.assertEqual("", promtool("check", "metrics", given=text()).strip())

    def test_missing(self) -> None:
        """Without the package the page says which one it is; nothing else needs it."""
        program = (
            "import sys; sys.modules['prometheus_client'] = None\n"
            "import vcycle.daemon.assembly\n"
            "from vcycle.monitor.exposition import MissingPackage, page\n"
            "try:\n    page('', tuple)\n"
            "except MissingPackage as error:\n    print(error)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
        )
        self.assertIn("pip install vcycle[metrics]", done.stdout, done.stderr)
        self.assertTrue(issubclass(MissingPackage, Exception))


class RulesTests(SynchronousTestCase):
    def names(self) -> set[str]:
        return set(re.findall(r"^(vcycle_\w+?)(?:\{| )", text(), re.MULTILINE))

    def test_alerts(self) -> None:
        """The alerts are right, and say what they are meant to say when it is so."""
        self.assertIn("SUCCESS", promtool("check", "rules", "vcycle.rules.yml", cwd=ETC))
        self.assertIn("SUCCESS", promtool("test", "rules", "vcycle.test.yml", cwd=ETC))
        self.assertIn("SUCCESS", promtool("check", "config", "prometheus.yml", cwd=ETC))

    def test_each_alert_is_tested(self) -> None:
        """No alert is without a test that has it raised."""
        alerts = re.findall(r"alert: (\w+)", (ETC / "vcycle.rules.yml").read_text("utf-8"))
        tests = (ETC / "vcycle.test.yml").read_text("utf-8")
        raised = re.findall(r"alertname: (\w+)\n +exp_alerts:\n", tests)
        self.assertEqual(set(alerts), set(raised))

    def test_alerts_exist(self) -> None:
        """An alert asks only for what the daemon has."""
        rules = (ETC / "vcycle.rules.yml").read_text("utf-8")
        used = set(re.findall(r"\bvcycle_\w+", rules))
        self.assertEqual(set(), used - self.names())

    def test_dashboard(self) -> None:
        """Every expression of Grafana's dashboard is right, and asks for what the daemon has."""
        board = json.loads((ETC / "vcycle-grafana.json").read_text("utf-8"))
        expressions = [t["expr"] for panel in board["panels"] for t in panel["targets"]]
        used = set(re.findall(r"\bvcycle_\w+", json.dumps(board)))
        self.assertEqual(set(), used - self.names())
        rules = [
            {"record": f"d:{number}", "expr": expr.replace("$__rate_interval", "5m")}
            for number, expr in enumerate(expressions)
        ]
        path = Path(self.mktemp())
        path.write_text(json.dumps({"groups": [{"name": "d", "rules": rules}]}), "utf-8")
        self.assertIn(f"{len(rules)} rules found", promtool("check", "rules", str(path)))
        identities = [panel["id"] for panel in board["panels"]]
        self.assertEqual(len(identities), len(set(identities)))

    def test_all_shown(self) -> None:
        """What the daemon counts is in the dashboard or in an alert, or says only when it began."""
        told = (ETC / "vcycle-grafana.json").read_text("utf-8")
        told += (ETC / "vcycle.rules.yml").read_text("utf-8")
        shown = set(re.findall(r"\bvcycle_\w+", told))
        unseen = {name for name in self.names() if not name.endswith(("_sum", "_count", "_bucket"))}
        expected = {
            "vcycle_start_timestamp_seconds",
            "vcycle_processors",
            "vcycle_processors_limit",
            "vcycle_host_load",
            "vcycle_space_machines",
            "vcycle_dashboard_listeners",
        }
        self.assertEqual(expected, unseen - shown)
