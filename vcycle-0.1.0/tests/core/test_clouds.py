"""Tests for vcycle.core.clouds."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.clouds import FIRMWARE, cloud_of, kept_back


class CloudTests(SynchronousTestCase):
    def test_clouds(self) -> None:
        """A cloud with a link-local service is known by cloud-init's word, or by the firmware."""
        for identity, firmware, cloud in (
            ("aws", {}, "Amazon EC2"),
            ("", {"sys_vendor": "Amazon EC2"}, "Amazon EC2"),
            ("", {"product_name": "OpenStack Nova"}, "OpenStack"),
            ("nocloud", {"product_name": "Google Compute Engine"}, "Google Compute Engine"),
            ("aliyun", {"sys_vendor": "Alibaba Cloud"}, None),
            ("", {"sys_vendor": "Google", "product_name": "Pixelbook"}, None),
            ("none", {"sys_vendor": "Dell Inc."}, None),
            ("", {}, None),
        ):
            self.assertEqual(cloud, cloud_of(identity, firmware))
            self.assertLessEqual(set(firmware), set(FIRMWARE))


class KeptBackTests(SynchronousTestCase):
    rule = {"src": "10.254.0.0", "srclen": 16, "dst": "169.254.0.0", "dstlen": 16}

    def test_rules(self) -> None:
        """Machines are kept back by a rule that holds them and the service, and lets nothing by."""
        for rule, kept in (
            ({**self.rule, "action": "prohibit"}, True),
            ({**self.rule, "action": "blackhole", "dst": "169.254.169.254", "dstlen": 32}, True),
            ({"src": "all", "dst": "169.254.169.254", "action": "unreachable"}, True),
            ({**self.rule, "action": "prohibit", "srclen": 24}, False),
            ({**self.rule, "action": "prohibit", "dst": "169.253.0.0"}, False),
            ({**self.rule, "table": "main"}, False),
            ({**self.rule, "action": "prohibit", "src": "nonsense"}, False),
            ({"priority": 0, "src": "all", "table": "local"}, False),
        ):
            self.assertIs(kept, kept_back([rule], "10.254.0.0/16"), rule)
        self.assertFalse(kept_back([], "10.254.0.0/16"))
