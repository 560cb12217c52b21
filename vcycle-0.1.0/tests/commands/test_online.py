"""Tests for vcycle check --online; servers are asked by a process of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from tests.images.https import Authority, Served, Server

ROOT = Path(__file__).parents[2]
TEXT = """\
[settings]
vcycle_space = s.test
factory_name = factory1.example.com
libvirt_uri = test:///default
state_dir = {place}
ca_directory = {place}/ca
[machinetype atlas]
target_share = 1
root_image = {url}/image
user_data = {url}/template
user_data_option_queue = long
user_data_file_hosts = hosts.txt
user_data_file_hostcert = hostcert.pem
[machinetype lhcb]
target_share = 1
machine_model = vm-raw
root_image = {url}/none
[machinetype idle]
root_image = {url}/never-asked
"""


class OnlineTests(TestCase):
    timeout = 60

    async def test_online(self) -> None:
        """Images are asked for and templates rendered; what is not there is an error."""
        authority = Authority()
        server = Server(reactor, authority.issue())
        place = Path(self.mktemp()).absolute()
        authority.write(str(place / "ca"))
        files = place / "machinetypes" / "atlas" / "files"
        files.mkdir(parents=True)
        (files / "hosts.txt").write_text("a b c")
        (files.parent / "hostcert.pem").write_text("PEM")
        server.files["/image"] = Served(b"x" * 2_000_000)
        template = b"##user_data_option_queue## ##user_data_file_hosts## ##user_data_uuid##"
        server.files["/template"] = Served(template)
        file = place / "vcycle.conf"
        file.write_text(TEXT.format(place=place, url=server.url("")))
        try:
            out, err, status = await getProcessOutputAndValue(
                sys.executable,
                ["-m", "vcycle.commands.main", "check", "--online", "--config", str(file)],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                path=str(place),
            )
        finally:
            await server.stop()
        said = out.decode()
        atlas = "[machinetype s.test atlas]"
        self.assertIn(f"{atlas} root_image {server.url('/image')}: 2.0 MB\n", said, err)
        self.assertIn(f"{atlas} user_data {server.url('/template')}: {len(template)} bytes\n", said)
        self.assertIn(f"{atlas} user_data_file_hosts hosts.txt: 5 bytes\n", said)
        self.assertIn(f"{atlas} user_data_file_hostcert hostcert.pem: 3 bytes\n", said)
        self.assertIn(f"{atlas} user_data rendered: {4 + 1 + 5 + 1 + 36} bytes\n", said)
        self.assertRegex(
            said, r"--online: error: \[machinetype s.test lhcb\] root_image \S+/none: "
        )
        self.assertIn("the server answers 404", said)
        self.assertNotIn("never-asked", said)
        self.assertEqual(1, status)
