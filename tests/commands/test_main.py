"""Tests for vcycle.commands.main."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading

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


WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
from vcycle.commands.main import main
sys.exit(main(sys.argv[1:]))
"""
LIBRARIES = ("twisted", "OpenSSL", "cryptography", "service_identity", "libvirt", "libvirtmod")
CONFIGURATION = """\
[settings]
vcycle_space = one.test
factory_name = factory1.one.test
state_dir = {place}/state
[machinetype a]
target_share = 1
root_image = https://images.test/a.img
"""


def answer(listening: socket.socket) -> None:
    """Answer one request as a daemon without spaces does."""
    connection, _ = listening.accept()
    with connection:
        connection.recv(65536)
        body = json.dumps({"version": 1, "written": 0, "daemon_version": "x", "spaces": []})
        head = f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(f"{head}{body}".encode())


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


class CommandAloneTests(SynchronousTestCase):
    """The package of the command alone brings no library that only the daemon needs."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.place = directory.name
        self.path = os.path.join(self.place, "vcycle.conf")
        with open(self.path, "w") as file:
            file.write(CONFIGURATION.format(place=self.place))

    def without(self, missing: tuple[str, ...], *words: str) -> tuple[int, str]:
        """How a command ends where some modules are missing, and what it complains of."""
        done = run("-c", WITHOUT.format(missing=missing), *words, stdout=subprocess.PIPE)
        return done.returncode, done.stderr

    def test_needed(self) -> None:
        """A command that needs such a library names it, and the package that brings it."""
        for words in (
            *(("images", verb, "--config", self.path) for verb in ("list", "prune", "verify")),
            ("images", "fetch", "--config", self.path),
            ("check", "--online", self.path),
            ("pipe", "check", "https://pipes.test/a.pipe"),
            ("cernvm-signature", self.path),
            ("proxy-init", "--cert", self.path, "--key", self.path),
        ):
            status, err = self.without(LIBRARIES, *words)
            self.assertEqual(1, status, words)
            self.assertRegex(
                err,
                rf"\Avcycle {words[0]}: \w+ is not on this host: install the package vcycle,"
                r" which brings it along, or with pip \w+\n\Z",
            )

    def test_not_needed(self) -> None:
        """What asks or reads gets as far as it does with them."""
        for words in (
            ("check", self.path),
            ("status", "--config", self.path),
            ("top", "--config", self.path),
            ("drain", "--config", self.path),
            ("doctor", "--config", self.path),
            ("scan", "--config", self.path, "--timeout", "0.1"),
        ):
            status, err = self.without(LIBRARIES, *words)
            self.assertIn(status, (0, 1), words)
            self.assertNotRegex(err, "Traceback|is not on this host", words)

    def test_status(self) -> None:
        """The daemon's answer is printed without them."""
        path = os.path.join(self.place, "socket")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.settimeout(60)
            listening.bind(path)
            listening.listen()
            thread = threading.Thread(target=answer, args=(listening,))
            thread.start()
            status, err = self.without(LIBRARIES, "status", "--socket", path)
            thread.join()
        self.assertEqual((0, ""), (status, err))

    def test_our_own(self) -> None:
        """A module of Vcycle's own that is missing is a fault, and shown as one."""
        program = WITHOUT.replace('.partition(".")[0]', "")
        command = program.format(missing=("vcycle.commands.online",))
        done = run("-c", command, "check", "--online", self.path, stdout=subprocess.PIPE)
        self.assertEqual(1, done.returncode)
        self.assertIn("Traceback", done.stderr)
        self.assertIn("vcycle.commands.online", done.stderr)
