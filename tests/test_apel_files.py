"""The files by which accounting is sent: valid, and of one mind with the rest."""

from __future__ import annotations

import configparser
import re
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vcycle.commands.main import parser
from vcycle.core.config.options import find
from vcycle.store.apel.place import OUTGOING

ETC = Path(__file__).parents[1] / "etc"
CONFIG = "/etc/apel/vcycle-ssmsend-prod.cfg"
LOG = "/var/log/vcycle-ssmsend-cron.log"


class ConfigurationTests(SynchronousTestCase):
    def test_ssmsend(self) -> None:
        """ssmsend's file parses, speaks of AMS and of our queue, and of nothing that is gone."""
        config = configparser.ConfigParser()
        config.read_string((ETC / "apel" / "vcycle-ssmsend-prod.cfg").read_text("ascii"))
        self.assertEqual("AMS", config["sender"]["protocol"])
        self.assertEqual("443", config["broker"]["port"])
        self.assertTrue(config.getboolean("broker", "use_ssl"))
        option = find("settings", "state_dir")
        assert option is not None
        self.assertEqual(f"{option.value_of_default()}/{OUTGOING}", config["messaging"]["path"])
        self.assertEqual("dirq", config["messaging"]["path_type"])
        for name in ("certificate", "key"):
            self.assertIn("/etc/grid-security/vcycle-apel-", config["certificates"][name])
        self.assertEqual([], [o for o in ("bdii", "network") if config.has_option("broker", o)])


class CronTests(SynchronousTestCase):
    def setUp(self) -> None:
        text = (ETC / "cron.d" / "vcycle-ssmsend-cron").read_text("ascii")
        self.assertTrue(text.endswith("\n"))
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        self.settings = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z]+=", line))
        self.jobs = [line.split(None, 6) for line in lines if line[0].isdigit()]
        self.assertEqual(len(lines), len(self.settings) + len(self.jobs))

    def test_times(self) -> None:
        """Each hour what waits is sent, and each day, before that, sync records are queued."""
        self.assertEqual([["22", "*"], ["2", "12"]], [job[:2] for job in self.jobs])
        for job in self.jobs:
            self.assertEqual(["*", "*", "*", "root"], job[2:6])
            self.assertIn(f">>{LOG} 2>&1", job[6])

    def test_percent(self) -> None:
        """No percent sign is left for cron to end a command at."""
        for job in self.jobs:
            self.assertIsNone(re.search(r"(?<!\\)%", job[6]))

    def test_shell(self) -> None:
        """The commands are good for the shell that cron runs them by."""
        for job in self.jobs:
            command = job[6].replace(r"\%", "%")
            subprocess.run(["/bin/sh", "-n", "-c", command], check=True)

    def test_delay(self) -> None:
        """Each host waits as long every time, up to 25 minutes, by its machine-id."""
        found = re.search(r"sleep (\$\(\(.*?\)\)); ssmsend -c (\S+);", self.jobs[0][6])
        assert found is not None
        self.assertEqual(CONFIG, found[2])
        seconds = set()
        for number in range(20):
            path = Path(self.mktemp())
            path.write_text(f"{number * 797003 % 16**6:06x}00112233445566778899aabbcc\n")
            word = found[1].replace(r"\%", "%").replace("/etc/machine-id", str(path))
            done = subprocess.run(
                ["/bin/sh", "-c", f"echo {word}"], stdout=subprocess.PIPE, check=True
            )
            seconds.add(int(done.stdout))
        self.assertGreater(len(seconds), 15)
        self.assertTrue(all(0 <= second < 1500 for second in seconds))

    def test_commands(self) -> None:
        """The command that is run each day is one of ours."""
        found = re.search(r"runuser -u vcycle -- /usr/bin/vcycle (\S+ \S+) >>", self.jobs[1][6])
        assert found is not None
        self.assertEqual("apel-sync", parser().parse_args(found[1].split()).command)

    def test_places(self) -> None:
        """Certificate and queue are those of ssmsend's file."""
        config = configparser.ConfigParser()
        config.read_string((ETC / "apel" / "vcycle-ssmsend-prod.cfg").read_text("ascii"))
        self.assertEqual(config["certificates"]["certificate"], self.settings["CERTIFICATE"])
        self.assertEqual(config["messaging"]["path"], self.settings["QUEUE"])

    def test_nothing_to_send(self) -> None:
        """Where nothing can be sent, or nothing was ever queued, no job does or logs a thing."""
        both = ["ssmsend -c " + CONFIG, "runuser -u vcycle -- /usr/bin/vcycle apel-sync --quiet"]
        self.assertEqual(both, self.done())
        self.assertEqual(both[:1], self.done("vcycle"))
        for missing in ("ssmsend", "certificate", "queue"):
            self.assertEqual([], self.done(missing), missing)

    def done(self, missing: str = "") -> list[str]:
        """What the jobs log on such a host, as each command there only says how it was called."""
        root = Path(self.mktemp()).absolute()
        (root / "bin").mkdir(parents=True)
        for name in {"ssmsend", "runuser", "sleep", "vcycle"} - {missing}:
            program = root / "bin" / name
            says = "" if name == "sleep" else 'echo "${0##*/} $*"\n'
            program.write_text(f"#!/bin/sh\n{says}")
            program.chmod(0o755)
        if missing != "certificate":
            (root / "certificate").touch()
        if missing != "queue":
            (root / "queue").mkdir()
        environment = {
            "PATH": f"{root}/bin:{self.settings['PATH']}",
            "CERTIFICATE": str(root / "certificate"),
            "QUEUE": str(root / "queue"),
        }
        for job in self.jobs:
            command = job[6].replace(r"\%", "%").replace("/usr/bin/", f"{root}/bin/")
            command = command.replace(LOG, f"{root}/log")
            subprocess.run(["/bin/sh", "-c", command], env=environment, check=True)
        log = root / "log"
        logged = log.read_text() if log.exists() else ""
        return logged.replace(f"{root}/bin/", "/usr/bin/").splitlines()
