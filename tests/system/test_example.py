"""The shipped example: its configuration, its machinetype and its user_data, as they are run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.system.case import BOOTS, FACTORY, SPACE, section
from tests.system.diskimage import disk_image
from tests.system.guest import kept_guest
from tests.system.imageserver import ROOT, ImageServer
from tests.system.systemcase import OnSystem
from vcycle.core.machine import Outcome

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample admin@example.com\n"
SQUID = "http://squid.vcycle.test:3128"
PEM = "-----BEGIN {0}-----\nAAAA\n-----END {0}-----\n"
SECONDS = 2


class ExampleTests(OnSystem):
    def setUp(self) -> None:
        super().setUp()
        self.server = ImageServer(self.place / "server")
        self.addCleanup(self.server.stop)
        self.server.authority.write(str(self.place / "certificates"))
        (self.place / "id_rsa.pub").write_text(KEY, "ascii")

    def main(self) -> str:
        """The example's main file, with other values on its five marked lines and no others."""
        shipped = (ROOT / "etc/example.vcycle.conf").read_text("utf-8")
        begin, end = shipped.index("# FIVE VALUES"), shipped.index("# WHAT MORE")
        marked = shipped[begin:end]
        values = {
            "vcycle_space": SPACE,
            "factories": ".",
            "total_machines": "1",
            "root_public_key": str(self.place / "id_rsa.pub"),
            "user_data_option_cvmfs_proxy": SQUID,
        }
        found = re.findall(r"^#?([a-z_]+) = ", marked, re.MULTILINE)
        self.assertEqual(list(values), found, "these are the five lines")
        for name, value in values.items():
            marked = re.sub(rf"^#?{name} = .*", f"{name} = {value}", marked, flags=re.MULTILINE)
        return shipped[:begin] + marked + shipped[end:]

    def machinetype(self) -> str:
        """The example's machinetype, with another server and a shorter life."""
        shipped = (ROOT / "etc/vcycle.d/example.conf.example").read_text("utf-8")
        edited = shipped.replace("https://images.example.com/", self.server.url(""))
        self.assertEqual(2, edited.count(self.server.url("")))
        return _set(edited, "user_data_option_seconds", SECONDS)

    def here(self) -> str:
        """Where this test has its places, and does not wait a minute."""
        return section(
            "settings",
            {
                "state_dir": self.daemon.state,
                "ca_directory": self.place / "certificates",
                "factory_name": FACTORY,
                "vacquery_port": 0,
                "monitor_port": 0,
                "cycle_seconds": 2,
                "mb_per_processor": 192,
                "overload_per_processor": 1000,
            },
        )

    def checked(self, *files: str) -> str:
        """What ``vcycle check --online`` says of these files, which it has to find good."""
        paths = [self.place / f"{number}.conf" for number, _ in enumerate(files)]
        for path, text in zip(paths, files):
            path.write_text(text, "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "vcycle.commands.main", "check", "--online", "--host", FACTORY]
            + [str(path) for path in paths],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def serve(self, template: bytes) -> None:
        below = self.place / "server/files/user_data"
        below.mkdir()
        (below / "example").write_bytes(template)

    def test_runs(self) -> None:
        """
        With its five lines edited, and the server's name, the example is valid; image and
        user_data are fetched by HTTPS, the machine does what it is told, and turns itself off.
        """
        image = self.place / "server/files/debian-12.qcow2"
        disk_image(self.guest(iso=True), kept_guest(), image)
        template = (ROOT / "etc/user_data/example").read_bytes()
        self.serve(template)
        files = self.here(), self.machinetype(), self.main()
        told = self.checked(*files)
        self.assertIn("1 machinetype; 0 errors, 0 warnings", told)
        self.assertRegex(told, r"user_data rendered: \d+ bytes")

        self.write("".join(files))
        self.daemon.start()
        self.daemon.until("a machine is over", lambda: self.daemon.ended("example"), 2 * BOOTS)
        record = self.daemon.ended("example")[0]
        self.assertIs(Outcome.COMPLETED, record.outcome, self.daemon.told())
        self.assertEqual("200 Success", record.message)
        self.assertTrue(Path(record.image or "").is_relative_to(self.daemon.state / "imagecache"))
        self.assertEqual(
            f"{record.name} ({record.uuid}): example of {SPACE}, made by {FACTORY}\n",
            self.daemon.output(record, "log"),
        )
        self.assertRegex(
            self.daemon.output(record, "work") or "",
            rf"^1 processors until \d+: working for {SECONDS} seconds$",
        )
        self.assertGreater(float(self.daemon.output(record, "heartbeat") or 0), 0)
        self.assertGreater(record.ended_at or 0, (record.started_at or 0) + SECONDS)
        given = (self.daemon.directory(record) / "user_data").read_text("utf-8")
        self.assertIn(f"\ncvmfs_http_proxy='{SQUID}'\n", given)
        self.assertNotIn("##", given)
        self.assertEqual([], self.daemon.lines("stands for"), "all patterns are known")

    def test_certificates(self) -> None:
        """Machines are handed the host certificate and key of their machinetype's directory."""
        own = self.daemon.state / "machinetypes/example"
        own.mkdir(parents=True)
        for name, what in (("hostcert.pem", "CERTIFICATE"), ("hostkey.pem", "PRIVATE KEY")):
            (own / name).write_text(PEM.format(what), "ascii")
            (own / name).chmod(0o640)
        self.serve(b"##user_data_option_hostcert####user_data_option_hostkey##")
        self.server.put("debian-12.qcow2", bytes(1 << 20))
        machinetype = re.sub("^#(?=user_data_file_)", "", self.machinetype(), flags=re.MULTILINE)
        files = self.here(), machinetype, self.main()
        told = self.checked(*files)
        self.assertIn("user_data_file_hostkey hostkey.pem: ", told)
        self.write("".join(files))
        self.daemon.start()
        self.daemon.until("a machine runs", lambda: self.daemon.living(), BOOTS)
        given = self.daemon.directory(self.daemon.living()[0]) / "user_data"
        self.daemon.until("it has its user_data", given.exists)
        wanted = PEM.format("CERTIFICATE") + PEM.format("PRIVATE KEY")
        self.assertEqual(wanted, given.read_text("ascii"))


def _set(text: str, option: str, value: object) -> str:
    return re.sub(rf"^{option} = .*", f"{option} = {value}", text, flags=re.MULTILINE)


del OnSystem
