"""The Puppet module: judged, specified, and applied for real in a directory of its own."""

from __future__ import annotations

import getpass
import json
import subprocess
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.config.build import examine

ROOT = Path(__file__).resolve().parent.parent.parent
MODULE = ROOT / "packaging/puppet/vcycle"
PUPPET = "LC_ALL=C.UTF-8 puppet"
UNCHANGED, CHANGED = 0, 2

SITE = """\
class {{ 'vcycle':
  space          => 'vcycle01.example.com',
  settings       => {{ 'factories' => 'factory1.example.com', 'total_machines' => 4 }},
  spaces         => {{
    'other.example.com' => {{
      'factory_name' => 'other1.example.com', 'factories' => 'other1.example.com',
    }},
  }},
  machinetypes   => {{
    'example'                   => {{ 'target_share' => 1.0, 'root_image' => 'x.iso' }},
    'other.example.com another' => {{ 'target_share' => 2.0, 'root_image' => 'y.iso' }},
  }},
  files          => {{ 'example/files/user_data' => '{place}/source' }},
  secrets        => {{ 'vacquery' => Sensitive('hidden') }},
  manage_package => false,
  manage_service => false,
  nagios_nrpe    => true,
  nozeroconf     => true,
  root           => '{place}/etc',
  state          => '{place}/state',
  owner          => '{owner}',
}}
"""


def shell(command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, shell=True, cwd=cwd, capture_output=True, text=True)


class PuppetTests(SynchronousTestCase):
    def good(self, command: str) -> None:
        done = shell(command, MODULE)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_judged(self) -> None:
        """Puppet and puppet-lint have nothing to say against it."""
        self.good("puppet parser validate manifests/*.pp examples/*.pp")
        self.good("puppet epp validate templates/*.epp")
        self.good("puppet-lint --fail-on-warnings --relative manifests examples")

    def test_specified(self) -> None:
        """It does what its specification says."""
        self.good("rspec")

    def test_alone(self) -> None:
        """It depends on no other module."""
        metadata = json.loads((MODULE / "metadata.json").read_text("utf-8"))
        self.assertEqual([], metadata["dependencies"])

    def test_applied(self) -> None:
        """Applied it writes what Vcycle reads; applied again it changes nothing; strays go."""
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            for directory in ("etc/vcycle.d", "state"):
                (place / directory).mkdir(parents=True)
            (place / "etc/vcycle.d/00-stray.conf").write_text("[settings]\n")
            (place / "source").write_text("#!/bin/sh\n")
            (place / "site.pp").write_text(SITE.format(place=place, owner=getpass.getuser()))
            self.assertEqual(CHANGED, self.applied(place))
            self.assertEqual(UNCHANGED, self.applied(place))
            self.assertEqual(
                ["10-puppet.conf"], [path.name for path in (place / "etc/vcycle.d").iterdir()]
            )
            text = (place / "etc/vcycle.d/10-puppet.conf").read_text()
            reading = examine([("10-puppet.conf", text)], "factory1.example.com")
            self.assertEqual((), reading.problems)
            assert reading.configuration is not None
            self.assertEqual(
                {"vcycle01.example.com": ["example"], "other.example.com": ["another"]},
                {
                    name: list(space.machinetypes)
                    for name, space in reading.configuration.spaces.items()
                },
            )
            secret = place / "etc/vcycle.secrets/vacquery"
            self.assertEqual("hidden", secret.read_text())
            self.assertEqual(0o600, secret.stat().st_mode & 0o777)
            user_data = place / "state/machinetypes/example/files/user_data"
            self.assertEqual("#!/bin/sh\n", user_data.read_text())

    def applied(self, place: Path) -> int:
        done = shell(
            f"{PUPPET} apply --modulepath={MODULE.parent} --confdir={place}/conf"
            f" --vardir={place}/var --rundir={place}/run --logdir={place}/log"
            f" --detailed-exitcodes {place}/site.pp"
        )
        self.assertIn(done.returncode, (UNCHANGED, CHANGED), done.stdout + done.stderr)
        self.assertNotIn("hidden", done.stdout + done.stderr)
        return done.returncode
