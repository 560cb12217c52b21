"""Tests of the objects for Nagios and Icinga, judged by those."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ETC = Path(__file__).parents[2] / "etc" / "nagios"

USER = pwd.getpwuid(os.geteuid()).pw_name
GROUP = grp.getgrgid(os.getegid()).gr_name

NAGIOS = """\
cfg_file={here}/around.cfg
cfg_file={etc}/vcycle.cfg
log_file={here}/nagios.log
lock_file={here}/nagios.lock
temp_path={here}
check_result_path={here}
object_cache_file={here}/objects
status_file={here}/status
command_file={here}/commands
nagios_user={user}
nagios_group={group}
"""

AROUND = """\
define timeperiod {
    timeperiod_name 24x7
    alias always
    sunday 00:00-24:00
}
define command {
    command_name up
    command_line /bin/true
}
define contact {
    contact_name nagiosadmin
    host_notification_period 24x7
    service_notification_period 24x7
    host_notification_commands up
    service_notification_commands up
}
define host {
    host_name factory1
    address 192.0.2.1
    check_command up
    max_check_attempts 3
    check_period 24x7
    notification_period 24x7
    contacts nagiosadmin
}
"""

ICINGA = """\
const PluginDir = "/usr/lib/nagios/plugins"
include "{etc}/vcycle-icinga2.conf"
object CheckCommand "up" {{ command = [ "/bin/true" ] }}
object Host "factory1" {{
  address = "192.0.2.1"
  check_command = "up"
  vars.vcycle = true
}}
"""


class ObjectTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.here = Path(self.mktemp()).absolute()
        self.here.mkdir()

    def judged(self, *command: str) -> str:
        as_we_are = {"ICINGA2_USER": USER, "ICINGA2_GROUP": GROUP}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, env={**os.environ, **as_we_are}
        )
        told = done.stdout + done.stderr
        self.assertEqual(0, done.returncode, told)
        return told

    def test_nagios(self) -> None:
        """Nagios takes the objects as they are: one service of the factory."""
        (self.here / "around.cfg").write_text(AROUND, "utf-8")
        main = self.here / "nagios.cfg"
        main.write_text(
            NAGIOS.format(
                here=self.here,
                etc=ETC,
                user=pwd.getpwuid(os.geteuid()).pw_name,
                group=grp.getgrgid(os.getegid()).gr_name,
            ),
            "utf-8",
        )
        told = self.judged("nagios4", "-v", str(main))
        self.assertIn("Checked 1 services", told)
        self.assertIn("Total Errors:   0", told)

    def test_icinga(self) -> None:
        """Icinga takes the objects as they are: one service of a host that says that it is one."""
        main = self.here / "icinga2.conf"
        main.write_text(ICINGA.format(etc=ETC), "utf-8")
        told = self.judged(
            *("icinga2", "daemon", "-C", "-c", str(main)),
            *("--define", f"DataDir={self.here}", "--define", f"CacheDir={self.here}"),
            *("--define", f"LogDir={self.here}", "--define", f"InitRunDir={self.here}"),
        )
        self.assertIn("Instantiated 1 Service", told)
