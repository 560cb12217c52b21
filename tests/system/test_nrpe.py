"""``check-vcycled`` as Nagios has it run: by a real NRPE, of a real daemon."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys

from tests.system.case import SystemCase
from tests.system.test_dashboard import free_port
from tests.system.vcycled import ROOT
from tests.system.waiting import until

NRPE, CHECK_NRPE = "/usr/sbin/nrpe", "/usr/lib/nagios/plugins/check_nrpe"
SHIPPED = ROOT / "etc" / "nrpe" / "vcycle.cfg"


class NrpeTests(SystemCase):
    def setUp(self) -> None:
        super().setUp()
        self.vacquery_port = free_port()
        self.nrpe_port = free_port()

    def serve(self) -> None:
        """NRPE as an account without rights, with the command that is shipped."""
        directory = self.place / "nrpe.d"
        directory.mkdir()
        script = self.place / "check-vcycled"
        script.write_text(
            f"#!/bin/sh\nexport PYTHONPATH={ROOT}\nexec {shlex.quote(sys.executable)}"
            f' {ROOT}/packaging/scripts/check-vcycled "$@"'
            f" --config {self.place}/vcycle.conf\n",
            "utf-8",
        )
        script.chmod(0o755)
        shipped = SHIPPED.read_text("utf-8")
        self.assertIn("=/usr/sbin/check-vcycled 600\n", shipped)
        text = shipped.replace("/usr/sbin/check-vcycled", str(script))
        more = f"command[check_many]={script} 600 -w 1: -c 9:\n"
        (directory / "vcycle.cfg").write_text(text + more, "utf-8")
        whole = self.place / "nrpe.cfg"
        whole.write_text(
            f"pid_file={self.place}/nrpe.pid\nserver_address=127.0.0.1\n"
            f"server_port={self.nrpe_port}\nnrpe_user=nobody\nnrpe_group=nogroup\n"
            f"allowed_hosts=127.0.0.1\ndont_blame_nrpe=0\ncommand_timeout=30\n"
            f"include_dir={directory}\n",
            "utf-8",
        )
        process = subprocess.Popen(
            [NRPE, "-c", str(whole), "-f"], stdout=subprocess.DEVNULL, start_new_session=True
        )
        self.addCleanup(process.wait, 10)
        self.addCleanup(os.killpg, process.pid, signal.SIGKILL)
        until("NRPE answers", lambda: self.ask()[0] == 0, 20)

    def ask(self, command: str = "") -> tuple[int, str]:
        """As a Nagios server asks: exit status and text."""
        words = [CHECK_NRPE, "-H", "127.0.0.1", "-p", str(self.nrpe_port), "-t", "30"]
        done = subprocess.run(
            [*words, *(["-c", command] if command else [])],
            capture_output=True,
            text=True,
            timeout=40,
        )
        return done.returncode, done.stdout

    def test_told(self) -> None:
        """All is well, few machines, a wrong configuration, a dead daemon, a damaged file: told."""
        self.assertTrue(shutil.which(CHECK_NRPE))
        self.configure(self.space(total_machines=2), self.idle("idle"))
        self.daemon.start()
        self.serve()
        self.daemon.until(
            "all is well", lambda: self.ask("check_vcycled")[1].startswith("VCYCLE OK")
        )
        self.daemon.until("two run", lambda: "(2/2 " in self.ask("check_vcycled")[1])
        state, text = self.ask("check_vcycled")
        self.assertEqual(0, state, text)
        self.assertIn("Factory + responder ok (2/2 2/64)|running=2;;;0;2", text.replace(" | ", "|"))
        state, text = self.ask("check_many")
        self.assertEqual(2, state, text)
        self.assertIn("2 machines run, which is not 9:", text)

        right = (self.place / "vcycle.conf").read_text("utf-8")
        self.write(right + "\n[machinetype broken\n")
        self.daemon.send(signal.SIGHUP)
        self.daemon.until(
            "the configuration's fault is told",
            lambda: "configuration is wrong" in self.ask("check_vcycled")[1],
        )
        self.assertEqual(1, self.ask("check_vcycled")[0])

        self.daemon.kill()
        path = self.daemon.state / "status.json"
        document = json.loads(path.read_text("ascii"))
        document["spaces"][0]["heartbeat"] -= 7200
        path.write_text(json.dumps(document), "ascii")
        state, told = self.ask("check_vcycled")
        self.assertEqual(2, state, told)
        self.assertIn("No vcycled factory heartbeat in 2.0", told)
        path.write_text("{", "ascii")
        state, told = self.ask("check_vcycled")
        self.assertEqual((3, True), (state, told.startswith("VCYCLE UNKNOWN")), told)


del SystemCase
