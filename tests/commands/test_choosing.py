"""Tests for whom commands ask."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.commands.running import run
from vcycle.commands import machinetypes
from vcycle.commands.asked import add_asking, joined
from vcycle.commands.choosing import CannotAsk, Chosen, choose

SETTINGS = """\
[settings]
factory_name = factory1.example.com
factories = . factory2 far.example.org twin.example.com twin.example.org
vacquery_port = 9950
udp_timeout_seconds = 3
"""
SPACES = """\
[space vac01.example.com]
[machinetype vac01.example.com prod]
root_image = /images/prod
user_data = prod.user_data
target_share = 3
"""


class ChoosingTests(SynchronousTestCase):
    def config(self, text: str) -> str:
        directory = tempfile.mkdtemp(dir=self.mktemp_parent())
        path = Path(directory, "vcycle.conf")
        path.write_text(text, encoding="utf-8")
        return str(path)

    def mktemp_parent(self) -> str:
        path = Path(self.mktemp()).absolute()
        path.mkdir(parents=True)
        return str(path)

    def choose(self, text: str, *words: str) -> Chosen:
        parser = argparse.ArgumentParser()
        add_asking(parser)
        return choose(parser.parse_args(["--config", self.config(text), *words]))

    def test_configuration(self) -> None:
        """Without any options all is as the configuration says."""
        chosen = self.choose(SETTINGS + SPACES)
        self.assertEqual("vac01.example.com", chosen.space)
        self.assertEqual(
            ("factory1.example.com", "factory2.example.com", "far.example.org"),
            chosen.factories[:3],
        )
        self.assertEqual((9950, 3.0, {"prod": 3.0}), (chosen.port, chosen.seconds, chosen.shares))

    def test_options(self) -> None:
        """Options go before the configuration."""
        chosen = self.choose(SETTINGS + SPACES, "--port", "17", "-t", "0.5", "factory2")
        self.assertEqual(
            (17, 0.5, ("factory2.example.com",)), (chosen.port, chosen.seconds, chosen.factories)
        )

    def test_names(self) -> None:
        """A dot is this host; short names are configured ones, or of this host's domain."""
        for name, full in {
            ".": "factory1.example.com",
            "FAR": "far.example.org",
            "new": "new.example.com",
            "Other.Example.NET.": "other.example.net",
            "127.0.0.1": "127.0.0.1",
        }.items():
            self.assertEqual((full,), self.choose(SETTINGS + SPACES, name).factories)
        twice = self.choose(SETTINGS + SPACES, ".", "factory1", "factory1.example.com")
        self.assertEqual(("factory1.example.com",), twice.factories)

    def test_machinetype(self) -> None:
        """The first word is a machinetype, or a factory if it can be no machinetype."""
        parser = argparse.ArgumentParser()
        machinetypes.register(parser.add_subparsers())
        text = SETTINGS + SPACES + SPACES.partition("\n")[2].replace(" prod]", " far]")
        config = self.config(text)
        far, own = "far.example.org", "factory1.example.com"
        every = (own, "factory2.example.com", far, "twin.example.com", "twin.example.org")
        for words, (machinetype, factories) in {
            ("prod",): ("prod", every),
            ("prod", "factory2"): ("prod", every[1:2]),
            (".",): (None, (own,)),
            (".", "factory2"): (None, every[:2]),
            ("Factory2",): (None, every[1:2]),
            (far,): (None, (far,)),
            ("new.example.net", "."): (None, ("new.example.net", own)),
            ("far",): ("far", every),
            ("far", "far"): ("far", (far,)),
            ("nosuch",): ("nosuch", every),
            (): (None, every),
        }.items():
            chosen = choose(parser.parse_args(["machinetypes", "--config", config, *words]))
            self.assertEqual(
                (machinetype, factories), (chosen.machinetype, chosen.factories), words
            )
        foreign = ["machinetypes", "--config", config, "-s", "s.example.com", "f.example.com"]
        self.assertEqual(("f.example.com",), choose(parser.parse_args(foreign)).factories)

    def test_no_factories(self) -> None:
        """Where no factories are configured this one is alone."""
        chosen = self.choose("[settings]\nfactory_name = f.example.com\n" + SPACES)
        self.assertEqual(("f.example.com",), chosen.factories)

    def test_secret(self) -> None:
        """The space's secret is used; who may not read it asks without, unless it is required."""
        file = Path(self.mktemp_parent(), "secret")
        file.write_text("0123456789abcdef\n", encoding="ascii")
        file.chmod(0o600)
        text = SETTINGS + f"vacquery_secret_file = {file}\n" + SPACES
        chosen = self.choose(text)
        self.assertEqual((b"0123456789abcdef", False), (chosen.secret, chosen.only_signed))
        self.assertNotIn("0123456789abcdef", repr(chosen))
        required = text.replace("[space", "vacquery_require_secret = true\n[space")
        self.assertTrue(self.choose(required).only_signed)
        file.chmod(0o604)
        chosen = self.choose(text)
        self.assertIsNone(chosen.secret)
        self.assertIn("asking without it", chosen.remark or "")
        self.assertIn("others can read it", self.cannot(required))

    def cannot(self, text: str, *words: str) -> str:
        return str(self.assertRaises(CannotAsk, self.choose, text, *words))

    def test_several_spaces(self) -> None:
        """Of several spaces one has to be named, and the text names them all."""
        two = SETTINGS + SPACES + "[space vac02.example.com]\nfactory_name = other.example.com\n"
        self.assertIn("--space, one of vac01.example.com, vac02", self.cannot(two))
        self.assertEqual("vac02.example.com", self.choose(two, "-s", "vac02.example.com").space)
        self.assertIn("has only vac01", self.cannot(two, "-s", "vac03.example.com"))
        self.assertIn("has only vac01", self.cannot(two, "-s", "vac03.example.com", "factory1"))
        other = self.choose(two, "-s", "vac03.example.com", "f.example.com")
        self.assertEqual(("vac03.example.com", 9950), (other.space, other.port))

    def test_no_configuration(self) -> None:
        """No configuration is needed by a command line that says all."""
        self.assertIn("see vcycle check", self.cannot("nonsense"))
        self.assertIn("see vcycle check", self.cannot("nonsense", "-s", "s.example.com", "f"))
        chosen = self.choose("nonsense", "-s", "s.example.com", "f.example.com")
        self.assertEqual((995, 10.0, {}), (chosen.port, chosen.seconds, chosen.shares))

    def test_wrong(self) -> None:
        """What cannot be a factory, a port or a secret is told, with what would be."""
        text = SETTINGS + SPACES
        self.assertIn("give the whole of one of twin.example.com", self.cannot(text, "twin"))
        self.assertIn("factory 'a b'", self.cannot(text, "a b"))
        self.assertIn("factory '\\x1b[2j'", self.cannot(text, "\x1b[2J"))
        self.assertIn("give --port", self.cannot(text.replace("9950", "0")))
        self.assertIn("No such file", self.cannot(text, "--secret-file", "/nonexistent"))
        self.assertIn("not a regular file", self.cannot(text, "--secret-file", "/dev/null"))

    def test_exit_status(self) -> None:
        """A command that can ask nobody ends otherwise than one that gets no answer."""
        code, out, err = run("scan", "--config", self.config("nonsense"))
        self.assertEqual((2, ""), (code, out))
        self.assertTrue(err.startswith("vcycle scan: the configuration is not usable"), err)


class OptionsTests(SynchronousTestCase):
    def test_wrong(self) -> None:
        """Wrong numbers are wrong command lines, and what is expected is told."""
        for words, told in {
            ("--port", "0"): "from 1 to 65535",
            ("--port", "many"): "from 1 to 65535",
            ("--timeout", "0"): "more than 0",
            ("--timeout", "nan"): "more than 0",
            ("--watch", "factory1"): "factories go before --watch",
            ("-o", "xml"): "invalid choice",
        }.items():
            code, _, err = run("scan", *words)
            self.assertEqual(2, code)
            self.assertIn(told, err)

    def test_joined(self) -> None:
        """A dash before a column is no option."""
        self.assertEqual(["scan", "--sort=-age", "x"], joined(["scan", "--sort", "-age", "x"]))
        self.assertEqual(["--sort", "--json"], joined(["--sort", "--json"]))
        self.assertEqual(["--sort", "age", "-J"], joined(["--sort", "age", "-J"]))
