"""Any text at all is a configuration or a ConfigError, never another exception."""

from __future__ import annotations

from hypothesis import given
from hypothesis.strategies import (
    SearchStrategy,
    builds,
    integers,
    just,
    lists,
    one_of,
    sampled_from,
    text,
)
from twisted.trial.unittest import SynchronousTestCase

from tests.core.config.writing import HOST
from vcycle.core.config.build import examine, read
from vcycle.core.config.model import Configuration
from vcycle.core.config.options import OPTIONS
from vcycle.core.errors import ConfigError

NAMES = sampled_from([f"{o.name}xxx" if o.prefix else o.name for o in OPTIONS])
HEADERS = sampled_from(
    [
        "[settings]",
        "[DEFAULT]",
        "[space a.test]",
        "[space b.test]",
        "[machinetype m]",
        "[machinetype a.test m]",
        "[machinetype b.test n]",
        "[vmtype m]",
        "[vacuum_pipe p]",
        "[factories]",
        "[targetshares]",
        "[x]",
    ]
)
VALUES: SearchStrategy[str] = one_of(
    integers(-1, 10**12).map(str),
    sampled_from(
        [
            "yes",
            "false",
            "nan",
            "1e999",
            "a.test",
            "f.a.test",
            "qemu:///embed?root=/r",
            "qemu:///embed",
            "qemu://[::1/embed?root=%00",
            "test:///default",
            "vm-direct",
            "docker",
            "https://x.test/a",
            "10.0.0.0/24",
            "169.254.0.0/16",
            "/a",
            ". b",
            "",
        ]
    ),
    text(max_size=20),
)
LINES = one_of(
    HEADERS,
    builds("{} = {}".format, NAMES, VALUES),
    builds("  {}".format, VALUES),
    builds("{} = {}".format, text(max_size=8), VALUES),
    text(max_size=20),
)
TEXTS = lists(LINES, max_size=40).map("\n".join)


class HostileTests(SynchronousTestCase):
    @given(lists(one_of(TEXTS, text()), max_size=3), one_of(just(HOST), text(max_size=20)))
    def test_any_text(self, texts: list[str], host: str) -> None:
        """Whatever the files say, there is a configuration, or there are reasons."""
        files = [(f"{index}.conf", content) for index, content in enumerate(texts)]
        try:
            found = read(files, host)
        except ConfigError as error:
            self.assertTrue(error.problems)
        else:
            self.assertIsInstance(found, Configuration)

    @given(TEXTS)
    def test_messages(self, content: str) -> None:
        """Each message is one line that any terminal can print."""
        for problem in examine([("x", content)], HOST).problems:
            self.assertTrue(problem.text.isascii() and problem.text.isprintable(), problem.text)
            self.assertLess(len(problem.text), 1000)

    @given(TEXTS, TEXTS)
    def test_one_meaning(self, first: str, second: str) -> None:
        """The same texts always give the same answer."""
        files = [("a", first), ("b", second)]
        self.assertEqual(examine(files, HOST), examine(files, HOST))
