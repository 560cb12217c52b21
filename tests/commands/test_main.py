"""Tests for vcycle.commands.main."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

import vcycle
from vcycle.commands.main import COMMANDS, main, parser

IMPORTED = """
import sys
from vcycle.commands.main import parser
parser().format_help()
print(sorted(m for m in sys.modules if m.split(".")[0] in ("twisted", "attr", "libvirt")))
"""

ONLY = """
import sys
from vcycle.commands.main import COMMANDS, main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print([name for name in COMMANDS if f"vcycle.commands.{name}" in sys.modules])
"""


def run(*argv: str, stdout: int) -> subprocess.CompletedProcess[str]:
    """Run this interpreter with the package that is tested."""
    path = os.path.dirname(os.path.dirname(vcycle.__file__))
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, *argv]
    return subprocess.run(
        command, env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60
    )


class MainTests(SynchronousTestCase):
    def exits(self, *argv: str) -> tuple[object, str, str]:
        """How a command line ends that argparse answers by itself."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            error = self.assertRaises(SystemExit, main, list(argv))
        return error.code, out.getvalue(), err.getvalue()

    def test_version(self) -> None:
        """--version tells it, and ends well."""
        self.assertEqual((0, f"Vcycle {vcycle.__version__}\n", ""), self.exits("--version"))

    def test_help(self) -> None:
        """-h names every subcommand, and ends well."""
        status, out, _ = self.exits("-h")
        self.assertEqual(0, status)
        for name in COMMANDS:
            self.assertRegex(out, rf"\n    {name.replace('_', '-')}\s")

    def test_help_is_each_ones(self) -> None:
        """What -h says of each subcommand is what its own module says."""
        self.assertEqual(parser().format_help(), self.exits("-h")[1])

    def test_only_what_is_run(self) -> None:
        """No other subcommand's module is imported than the one that is run, and none for -h."""
        for words, expected in {
            ("-h",): [],
            ("--version",): [],
            ("chekc",): [],
            ("scan", "-h"): ["scan"],
            ("import-config", "-h"): ["import_config"],
            ("check", "/dev/null"): ["check"],
            ("scan", "-s", "s.example.com", "--port", "9", "127.0.3.99"): ["scan"],
        }.items():
            done = run("-c", ONLY, *words, stdout=subprocess.PIPE)
            self.assertEqual(repr(expected), done.stdout.splitlines()[-1], (words, done.stderr))

    def test_wrong_option_first(self) -> None:
        """An unknown option before a good subcommand is what is told as wrong."""
        code, _, told = self.exits("--nosuch", "check", "--json")
        self.assertEqual(2, code)
        self.assertIn("unrecognized arguments: --nosuch\n", told)

    def test_wrong(self) -> None:
        """No subcommand, or an unknown one, is a wrong command line."""
        self.assertEqual(2, self.exits()[0])
        status, _, err = self.exits("chekc")
        self.assertEqual(2, status)
        self.assertIn("chekc", err)

    def test_each_runs(self) -> None:
        """Each subcommand leaves a function to run."""
        self.assertTrue(callable(parser().parse_args(["check"]).run))

    def test_quick(self) -> None:
        """Help imports neither Twisted nor any other package that takes its time."""
        done = run("-c", IMPORTED, stdout=subprocess.PIPE)
        self.assertEqual(("[]\n", ""), (done.stdout, done.stderr))

    def test_closed_pipe(self) -> None:
        """A reader that goes away early is no traceback."""
        reader, writer = os.pipe()
        os.close(reader)
        try:
            done = run("-m", "vcycle.commands.main", "check", "--json", "/dev/null", stdout=writer)
        finally:
            os.close(writer)
        self.assertEqual((1, ""), (done.returncode, done.stderr))
