"""The packages on a real systemd: installed, used, upgraded, erased, as an administrator does."""

from __future__ import annotations

import re

from twisted.trial.unittest import SynchronousTestCase

from tests.packages.booted import shown


class InstalledTests(SynchronousTestCase):
    def test_installed(self) -> None:
        """It installs without a network, and rpm finds all as it was packed."""
        self.assertEqual("0\n", shown("install"))
        self.assertEqual("", shown("verify"))

    def test_owners(self) -> None:
        """The state is the daemon's, the configuration root's and readable by all."""
        self.assertEqual(
            [
                "vcycle vcycle 755 /var/lib/vcycle",
                "root root 644 /etc/vcycle.conf",
                "vcycle vcycle 640 /var/log/vcycled-factory",
            ],
            shown("owners").splitlines(),
        )

    def test_unit(self) -> None:
        """systemd has nothing to say against the unit."""
        ours = [line for line in shown("unit").splitlines() if "vcycle" in line]
        self.assertEqual([], ours)
        self.assertIn("exit 0", shown("unit"))

    def test_hardened(self) -> None:
        """The exposure is below 2.0."""
        (level,) = re.findall(r"Overall exposure level for \S+: ([0-9.]+)", shown("security"))
        self.assertLess(float(level), 2.0)

    def test_configuration(self) -> None:
        """The example can be used once it is edited."""
        self.assertIn("exit 0", shown("check"), shown("check"))

    def test_up(self) -> None:
        """The daemon says when it is up, and what it runs."""
        self.assertEqual("0\n", shown("start"), shown("journal"))
        told = dict(line.split("=", 1) for line in shown("shown").splitlines())
        self.assertEqual("notify", told["Type"])
        self.assertEqual("active", told["ActiveState"])
        self.assertEqual("3min", told["WatchdogUSec"])

    def test_scan(self) -> None:
        """Somebody without any rights sees the machines."""
        self.assertRegex(shown("scan"), r"(?m)^factory1 +00 +example +(starting|running)")
        self.assertIn("exit 0", shown("scan"))

    def test_nagios(self) -> None:
        """The check answers somebody without any rights."""
        self.assertRegex(shown("nagios"), r"\AVCYCLED? OK")
        self.assertIn("exit 0", shown("nagios"))

    def test_status(self) -> None:
        """The daemon itself is asked by its group alone; who is not in it is told so."""
        self.assertIn("member of its group", shown("status"))
        self.assertIn("exit 1", shown("status"))

    def test_reload(self) -> None:
        """A reload takes the new configuration, and says so."""
        self.assertEqual("0\n", shown("reload"))
        self.assertRegex(shown("journal"), r"Configuration: .*total_machines was \d+, is 2\n")

    def test_watchdog(self) -> None:
        """A daemon that stands still is killed and started again."""
        self.assertEqual("NRestarts=1\nActiveState=active\n", shown("watchdog"), shown("journal"))

    def test_credentials(self) -> None:
        """A secret may be a credential of systemd's; who has none is told what to do."""
        self.assertIn("exit 0", shown("secret"), shown("secret") + shown("journal"))
        self.assertIn("on 1 factory", shown("secret"))
        self.assertIn("exit 2", shown("stranger"))
        self.assertIn("ask as root", shown("stranger"))

    def test_logrotate(self) -> None:
        """Logs that are files can be written below the unit, and go on after logrotate."""
        self.assertIn("exit 0", shown("logrotate"), shown("logrotate"))
        self.assertIn(" runs; state in ", shown("log-before"))
        self.assertIn("total_machines", shown("log-now"))
        self.assertEqual(
            [
                "vcycle vcycle 640 /var/log/vcycled-factory",
                "vcycle vcycle 640 /var/log/vcycled-factory.1",
            ],
            shown("rotated").splitlines(),
        )

    def test_plugin_cache(self) -> None:
        """Twisted's cache of plugins is made by root, anew with an upgrade, and goes at the end."""
        first, second = (shown(f"cache-{when}").splitlines() for when in ("installed", "upgraded"))
        for owner, count in (first, second):
            self.assertRegex(owner, r"\Aroot [67]([45])\1 \d+\Z")
            self.assertEqual("1", count)
        self.assertNotEqual(first, second)
        self.assertIn("No such file", shown("cache-erased"))

    def test_upgraded(self) -> None:
        """An upgrade restarts the daemon and keeps what was edited."""
        self.assertEqual("0\n", shown("upgrade"))
        before, after, state = shown("upgraded").split("\n")[:3]
        self.assertNotEqual(before.split()[1], after.split()[1])
        self.assertEqual("active", state)
        self.assertEqual("# an administrator's own line\n", shown("edited"))
        self.assertIn("c /etc/vcycle.conf", shown("verify-edited"))

    def test_erased(self) -> None:
        """Nothing runs and nothing is left but state, edited configuration and rotated logs."""
        self.assertEqual("0\n", shown("erase"))
        self.assertEqual("inactive", shown("gone").split()[0])
        self.assertNotIn("still there", shown("gone"))
        allowed = re.compile(
            r"/var/lib/vcycle(/.*)?|/etc/vcycle\.conf\.rpmsave|/etc/vcycle\.d(/.*)?"
            r"|/etc/systemd/system/vcycle-test\.service|/var/cache/man/.*"
            r"|/var/log/vcycled-(factory|responder)\.\d+"
        )
        before = set(shown("before").splitlines())
        left = [p for p in shown("left").splitlines() if p not in before]
        self.assertEqual([], [path for path in left if not allowed.fullmatch(path)])

    def test_journal(self) -> None:
        """The journal has the lines, by their priorities and without a time of their own."""
        self.assertRegex(shown("journal"), r"(?m)^Vcycle \S+ runs; state in /var/lib/vcycle")
        self.assertNotRegex(shown("journal"), r"(?m)^<\d>")
