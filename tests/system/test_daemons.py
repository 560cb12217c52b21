"""What one daemon must not share with another, and what its spaces must share."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time

from tests.system.case import BOOTS, SPACE, SystemCase
from tests.system.domains import pids
from tests.system.lives import BEATS
from vcycle.core.machine import Outcome

OTHER = "other.vcycle.test"


class DaemonTests(SystemCase):
    def test_second(self) -> None:
        """A second daemon on a state directory is refused, and told why."""
        self.configure(self.space(total_machines=1), self.idle("idle"))
        self.daemon.start()
        self.daemon.until("the first runs", lambda: pids(self.within))
        second = self.daemon.another(subprocess.PIPE)
        self.addCleanup(second.kill)
        told = second.communicate(timeout=30)[0].decode()
        self.assertNotEqual(0, second.returncode, told)
        self.assertIn(str(self.daemon.state), told)
        self.assertIn(str(self.daemon.pid), told)
        self.assertNotIn("Traceback", told)
        self.assertTrue(self.daemon.running)
        self.assertEqual(1, len(pids(self.within)))

    def test_records_lost(self) -> None:
        """Machines whose records were lost are known again by their marks, and go on."""
        self.configure(self.space(total_machines=2), self.idle("idle"))
        self.daemon.start()
        self.daemon.until("two run", lambda: len(pids(self.within)) == 2)
        self.daemon.until("it knows", lambda: all(r.started_at for r in self.daemon.living()))
        before, machines = self.daemon.living(), pids(self.within)
        self.daemon.kill()
        shutil.rmtree(self.daemon.state / "spaces")
        self.daemon.start()
        self.daemon.until("both are adopted", lambda: len(self.daemon.living()) == 2)
        adopted = {record.uuid: record for record in self.daemon.living()}
        for record in before:
            self.assertEqual(record.shutdown_time, adopted[record.uuid].shutdown_time)
            self.assertEqual(record.secret, adopted[record.uuid].secret)
        self.assertEqual(machines, pids(self.within))
        self.assertEqual(2, len(self.daemon.lines("adopted")), self.daemon.told())

    def test_any_port(self) -> None:
        """With a port of the daemon's own choice, guests find its successor too."""
        self.configure(
            self.space(total_machines=1, guest_http_port=0), self.working("beats", BEATS)
        )
        self.daemon.start()
        [guest] = self.daemon.until("a guest", self.daemon.living)
        self.daemon.until("it beats", lambda: self.daemon.beaten(guest), BOOTS)
        self.daemon.stop()
        machines, started = pids(self.within), time.time()
        self.daemon.start()
        self.daemon.until("it beats again", lambda: self.daemon.beaten(guest) > started + 1)
        self.assertEqual(machines, pids(self.within))

    def test_shared_budget(self) -> None:
        """Two spaces on one libvirt URI use no more processors than there are for both."""
        self.configure(
            self.space(total_processors=3, factory_name="factory1.vcycle.test"),
            self.space(OTHER, total_processors=3, factory_name="factory2.vcycle.test"),
            self.idle("idle"),
            self.idle("idle", space=OTHER),
        )
        self.daemon.start()
        self.daemon.until("all processors are in use", lambda: len(pids(self.within)) == 3)
        for _ in range(30):
            self.assertLessEqual(len(self.daemon.living()), 3, self.daemon.told())
            self.assertLessEqual(len(pids(self.within)), 3, self.daemon.told())
            time.sleep(0.2)
        self.daemon.until(
            "both spaces say why there are no more",
            lambda: all(self.daemon.verdict(s, "idle")[1] for s in (SPACE, OTHER)),
        )

    def test_broken_configuration(self) -> None:
        """
        A configuration that breaks means draining: guests go on, none is started, and SIGHUP
        with a right one is enough. A guest's output beyond its quota is refused meanwhile.
        """
        # One that ends on request, and one that asks for too much and goes on.
        ends = "while :; do put heartbeat < /proc/uptime; sleep 2; done\n"
        greedy = (
            "printf 'PUT %s/huge HTTP/1.0\\r\\nContent-Length: 30000000\\r\\n\\r\\n' "
            '"/${JOBOUTPUTS#http://*/}" > /tmp/huge\n'
            "cat /tmp/huge | nc -w 10 10.0.2.2 8080 | head -n 1 | put answer\n"
            "head -c 21000000 /dev/zero | put big && echo taken | put verdict\n"
        )
        right = [
            self.space(total_machines=2, cycle_seconds=3600, mb_per_processor=192),
            self.working("greedy", greedy + BEATS),
            self.working("modest", ends),
        ]
        self.configure(*right)
        self.daemon.start()

        def all_beat() -> bool:
            records = self.daemon.living()
            return len(records) == 2 and all(self.daemon.beaten(r) for r in records)

        self.daemon.until("both guests beat", all_beat, 2 * BOOTS)
        greedy_one = next(r for r in self.daemon.living() if r.machinetype == "greedy")
        modest = next(r for r in self.daemon.living() if r.machinetype == "modest")
        self.assertIn("413", self.daemon.output(greedy_one, "answer") or "")
        self.assertIsNone(self.daemon.output(greedy_one, "verdict"))
        outputs = {p.name for p in (self.daemon.directory(greedy_one) / "joboutputs").iterdir()}
        self.assertEqual({"answer", "heartbeat"}, outputs)

        text = (self.place / "vcycle.conf").read_text("utf-8")
        self.write(text.replace("total_machines", "total_machine"))
        self._hang_up()
        self.daemon.until("it is said", lambda: self.daemon.lines("did you mean total_machines"))
        self.daemon.until("it is said", lambda: self.daemon.lines("No machines are created"))
        pids(self.within)[greedy_one.uuid].send(signal.SIGKILL)
        self.daemon.until("its end is seen", lambda: self.daemon.ended("greedy"))
        before = self.daemon.beaten(modest)
        time.sleep(5)
        self.assertEqual([modest.uuid], list(pids(self.within)), self.daemon.told())
        self.assertGreater(self.daemon.beaten(modest), before)
        self.assertIn("configuration is wrong", " ".join(self.daemon.space(SPACE)["problems"]))
        self.configure(*right)
        self._hang_up()
        self.daemon.until("a successor", lambda: len(pids(self.within)) == 2)
        self.assertIn(modest.uuid, pids(self.within))
        self.assertTrue(self.daemon.lines("right again"))
        self.assertIs(None, modest.outcome)
        self.assertIsNot(Outcome.COMPLETED, self.daemon.ended("greedy")[0].outcome)

    def _hang_up(self) -> None:
        self.daemon.send(signal.SIGHUP)


del SystemCase
