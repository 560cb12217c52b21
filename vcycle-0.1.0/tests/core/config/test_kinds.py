"""Tests for vcycle.core.config.kinds: what each kind just takes, and just does not."""

from __future__ import annotations

from hypothesis import given
from hypothesis.strategies import sampled_from, text
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.config.kinds import KINDS, MACHINETYPE, Kind, TooGreat
from vcycle.core.config.values import MAX_TEXT
from vcycle.core.machine import Model

LABEL = "a" * 63
TAKEN: list[tuple[str, str, object]] = [
    ("space", "Vcycle01.Example.com", "vcycle01.example.com"),
    ("space", f"{LABEL}.{LABEL}", f"{LABEL}.{LABEL}"),
    ("hosts", " .\n A b.test a", (".", "a", "b.test")),
    ("hosts", "", ()),
    ("receivers", "Vacmon.test:8884\n 192.0.2.1:1", (("vacmon.test", 8884), ("192.0.2.1", 1))),
    ("receivers", "a.test:1 A.test:1", (("a.test", 1),)),
    ("receivers", "", ()),
    ("path", "/", "/"),
    ("path", "/a b/é", "/a b/é"),
    ("file", "/a", "/a"),
    ("file", "a..b/c", "a..b/c"),
    ("file", "a" * 1000, "a" * 1000),
    ("file", "http://e.test/../", "http://e.test/../"),
    ("seconds", "0", 0),
    ("seconds", "1000000000", 10**9),
    ("lifetime", "1", 1),
    ("interval", "1", 1.0),
    ("interval", "3600.0", 3600.0),
    ("interval", "2.5", 2.5),
    ("wait", "0.1", 0.1),
    ("wait", "60", 60.0),
    ("moment", "1000000000", 10**9),
    ("moment", "9999999999", 9_999_999_999),
    ("count", "1000000", 1_000_000),
    ("positive", "1", 1),
    ("memory", "1", 1),
    ("gigabytes", ".5", 0.5),
    ("gigabytes", "1000000", 1e6),
    ("days", "-1", -1.0),
    ("days", "0.25", 0.25),
    ("share", "0", 0.0),
    ("share", "5.", 5.0),
    ("hs06", "0.001", 0.001),
    ("ratio", "1000000", 1e6),
    ("port", "0", 0),
    ("port", "65535", 65535),
    ("yesno", "YES", True),
    ("yesno", "false", False),
    ("truefalse", "No", False),
    ("text", "x" * MAX_TEXT, "x" * MAX_TEXT),
    ("line", "x" * 1000, "x" * 1000),
    ("line", "two\n lines", "two lines"),
    ("arguments", "", ""),
    ("model", "VM-raw", Model.VM_RAW),
    ("device", "sda", "sda"),
    ("interface", "br-0.100", "br-0.100"),
    ("address", "", ""),
    ("address", "::1", "::1"),
    ("network", "10.0.0.0/8", "10.0.0.0/8"),
    ("network", "192.168.1.0/28", "192.168.1.0/28"),
    ("network", "172.16.0.0/255.240.0.0", "172.16.0.0/12"),
    ("libvirt", "qemu+ssh://root@h.test/system", "qemu+ssh://root@h.test/system"),
    ("libvirt", "test:///default", "test:///default"),
    ("heartbeat", "a" * 64, "a" * 64),
    ("heartbeat", "-a.b", "-a.b"),
]
REFUSED: dict[str, list[str]] = {
    "space": [
        "",
        ".",
        "a.",
        ".a",
        "-a",
        "a-",
        "a..b",
        "a_b",
        "a b",
        "ä",
        f"{LABEL}a",
        "a." * 126 + "aa",
    ],
    "hosts": ["a,b", "..", "a. b", "a " + "b_"],
    "receivers": [
        *("a", "a:", ":1", "a:0", "a:65536", "a:1,b:1", "[::1]:8884", "a:b:1", "a_b:1", "a:٣"),
        " ".join(f"h{number}:1" for number in range(17)),
    ],
    "path": ["", "a", "./a", "/a\nb", "/" + "a" * 1001],
    "file": ["", "/", "a/", "../a", "a/..", "/a/../b", "a\tb", "a\nb", "a" * 1001],
    "seconds": ["", " 1", "1 ", "+1", "1_0", "1e1", "٣", "0x1", "-0", "1000000001", "9" * 400],
    "lifetime": ["0"],
    "interval": ["0.99", "3600.1", "60s"],
    "wait": ["0", "0.09", "60.1", "10s"],
    "moment": ["999999999", "10000000000"],
    "count": ["1000001", "-1"],
    "positive": ["0", "1000001"],
    "memory": ["0"],
    "gigabytes": ["-0.1", "1000000.1", ".", ""],
    "days": ["--1", "-", "1 day"],
    "share": ["-1", "nan", "inf", "1,5", "1e3", "9" * 400],
    "hs06": ["0", "0.0", "-1"],
    "ratio": ["0"],
    "port": ["65536", "-1"],
    "yesno": ["", "on", "1", "y"],
    "text": ["x" * (MAX_TEXT + 1)],
    "line": ["x" * 1001],
    "arguments": ["é", "a\nb", "x" * 1001],
    "model": ["", "kvm", "cernvm"],
    "group": ["", "a b", "x" * 251],
    "site": ["", "a b", "a/b"],
    "device": ["", "0a", "vda1/", "a" * 17],
    "interface": ["", "a" * 16, "a/b"],
    "address": ["eth0", "1.2.3", "::1%lo", "1.2.3.4/24"],
    "network": [
        "",
        "10.0.0.0",
        "10.0.0.0/7",
        "10.0.0.0/29",
        "10.0.0.1/24",
        "0.0.0.0/8",
        "127.0.0.0/8",
        "8.8.8.0/24",
        "240.0.0.0/8",
        "x",
    ],
    "libvirt": ["", "qemu", "qemu:", "qemu:///a b", "xen:///system", "qemu+://x"],
    "heartbeat": ["", ".a", "a/b", "a" * 65, "a b"],
}


class KindsTests(SynchronousTestCase):
    def test_taken(self) -> None:
        """What is just good is read as the value that it means."""
        for name, written, value in TAKEN:
            self.assertEqual(value, KINDS[name].parse(written), (name, written))

    def test_refused(self) -> None:
        """What is just not good is refused."""
        for name, texts in REFUSED.items():
            for written in texts:
                with self.assertRaises(ValueError, msg=f"{name}: {written!r}"):
                    KINDS[name].parse(written)

    def test_too_great(self) -> None:
        """A number that is only too great is told the bound."""
        for name, written, most in (("port", "65536", 65535), ("share", "1000000001", 1e9)):
            error = self.assertRaises(TooGreat, KINDS[name].parse, written)
            self.assertEqual(most, error.most)

    def test_machinetype_names(self) -> None:
        """They are lower-case letters, digits and '-', and not too long."""
        for name in ("a", "0-a", "a" * 64):
            self.assertEqual(name, MACHINETYPE.parse(name))
        for name in ("", "A", "a_b", "a.b", "a" * 65, "é"):
            self.assertRaises(ValueError, MACHINETYPE.parse, name)

    @given(sampled_from([*KINDS.values(), MACHINETYPE]), text())
    def test_any_text(self, kind: Kind, written: str) -> None:
        """Any text is taken or refused by a ValueError, never anything else."""
        try:
            kind.parse(written)
        except ValueError:
            return
