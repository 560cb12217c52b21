"""Tests for vcycle.commands.nagios: ``check-vcycled`` as a monitoring server runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from benchmarks.check import ratio
from tests.core.test_health import status
from vcycle import __file__ as package
from vcycle.commands.nagios import _parsed, main, state_dir_of
from vcycle.daemon.lastgood import state_dir_of as daemons_state_dir_of

SCRIPT = Path(__file__).parents[2] / "packaging" / "scripts" / "check-vcycled"
INSTALLED = str(Path(package).parents[1])


class CheckCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Path(self.mktemp()).absolute()
        self.root.mkdir()
        self.config = self.root / "vcycle.conf"
        self.config.write_text(f"[settings]\nstate_dir = {self.root}\n", "utf-8")
        self.file = self.root / "status.json"

    def write(self, **changes: object) -> None:
        """The status file of a daemon that has just finished a cycle."""
        now = time.time()
        document = status(**{"heartbeat": now, "answered": now, **changes})
        document["responder"] = {"heartbeat": now}
        self.file.write_text(json.dumps(document), "utf-8")

    def check(self, *words: str) -> tuple[int, str]:
        out = StringIO()
        with redirect_stdout(out):
            state = main([*words, "--config", str(self.config)])
        return state, out.getvalue()


class CheckTests(CheckCase):
    def test_well(self) -> None:
        """A daemon that is well: exit status 0, one line with numbers, options or not."""
        self.write()
        for words in ((), ("600",), ("-w", "1:", "-c", "@0"), ("-w1:", "--critical=1:8", "60")):
            state, text = self.check(*words)
            self.assertEqual(0, state, text)
            self.assertTrue(text.startswith("VCYCLE OK - Factory + responder ok (3/8 6/16) | "))
            self.assertEqual(1, text.count("\n"))

    def test_ill(self) -> None:
        """A warning is 1 and something critical 2."""
        self.write(problems=["draining: the disk is full"])
        self.assertEqual(1, self.check()[0])
        self.write(heartbeat=time.time() - 700)
        state, text = self.check()
        self.assertEqual(2, state)
        self.assertIn("VCYCLE CRITICAL - No vcycled factory heartbeat in 0.19 hours", text)
        self.assertEqual(0, self.check("800")[0])
        self.write()
        self.assertEqual(2, self.check("-c", "4:")[0])

    def test_no_file(self) -> None:
        """A daemon that never finished a cycle is critical."""
        state, text = self.check()
        self.assertEqual((2, True), (state, "No vcycled factory heartbeat" in text))

    def test_unknown(self) -> None:
        """What cannot be known is 3: a damaged file, one of another kind, a wrong command line."""
        for content in (b"", b"{", b'{"version": 1}x', b"[" * 100_000, b"\xff\xfe", b"{}"):
            self.file.write_bytes(content)
            state, text = self.check()
            self.assertEqual(3, state, (content[:9], text))
            self.assertTrue(text.startswith("VCYCLE UNKNOWN - "), text)
            self.assertEqual(1, text.count("\n"))
        self.file.unlink()
        self.file.mkdir()
        self.assertEqual(3, self.check()[0])
        for words in (("-w",), ("-w", "x"), ("--frob",), ("-5",), ("6e2",), ("--config",)):
            out = StringIO()
            with redirect_stdout(out):
                self.assertEqual(3, main(words), words)
            self.assertIn("check-vcycled --help", out.getvalue())
        with redirect_stdout(StringIO()) as out:
            self.assertEqual(3, main(["--config", "/nowhere/vcycle.conf"]))
        self.assertIn("no such file", out.getvalue())

    def test_help(self) -> None:
        """It says how it is used, and of which version it is."""
        for word, text in (("--help", "usage: check-vcycled"), ("-V", "Vcycle")):
            with redirect_stdout(StringIO()) as out:
                self.assertEqual(0, main([word]))
            self.assertIn(text, out.getvalue())

    def test_closed(self) -> None:
        """Whoever does not want to read what it says gets an exit status all the same."""
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(
            [sys.executable, "-m", "vcycle.commands.nagios"],
            stdout=write,
            cwd=SCRIPT.parents[2],
            stderr=subprocess.PIPE,
            timeout=30,
        )
        os.close(write)
        self.assertIn(done.returncode, (2, 3, 120), done.stderr)

    @settings(max_examples=150, deadline=None)
    @given(
        st.recursive(
            st.one_of(
                st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()
            ),
            lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
            max_leaves=10,
        )
    )
    def test_parsed(self, value: object) -> None:
        """It reads JSON as Python's own module does."""
        self.assertEqual(value, _parsed(json.dumps(value)))
        self.assertEqual(value, _parsed(f"\n {json.dumps(value, indent=1)}\n"))

    @settings(max_examples=400, deadline=None)
    @given(
        st.lists(
            st.sampled_from(
                [
                    "[settings]",
                    "[DEFAULT]",
                    "[space a.test]",
                    "[ Settings ] ; x",
                    "state_dir = /one",
                    "state_dir: /two ; comment",
                    "STATE_DIR=/three;not",
                    "state_directory = /four",
                    " state_dir = /five",
                    "# state_dir = /six",
                    "state_dir = relative",
                    "vcycle_space = a.test",
                    "",
                ]
            ),
            max_size=8,
        )
    )
    def test_state_dir(self, lines: list[str]) -> None:
        """The configuration is read as the daemon reads it, as far as state_dir goes."""
        text = "\n".join(lines)
        self.config.write_text(text, "utf-8")
        wanted = daemons_state_dir_of((("vcycle.conf", text),))
        self.assertEqual(wanted, state_dir_of([str(self.config)]))


class ScriptTests(CheckCase):
    def test_script(self) -> None:
        """The script that is installed does it."""
        self.write()
        done = subprocess.run(
            [sys.executable, str(SCRIPT), "600", "--config", str(self.config)],
            env={**os.environ, "PYTHONPATH": str(SCRIPT.parents[2])},
            capture_output=True,
            text=True,
            timeout=30,
        )
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertTrue(done.stdout.startswith("VCYCLE OK"))

    def test_broken(self) -> None:
        """Where Vcycle itself is missing or damaged, that is UNKNOWN."""
        broken = Path(self.mktemp()) / "vcycle"
        broken.mkdir(parents=True)
        (broken / "__init__.py").write_text("raise ImportError('half installed')")
        done = subprocess.run(
            [sys.executable, str(SCRIPT)],
            env={**os.environ, "PYTHONPATH": str(broken.parent.absolute())},
            capture_output=True,
            text=True,
            timeout=30,
        )
        self.assertEqual((3, ""), (done.returncode, done.stderr))
        self.assertIn("VCYCLE UNKNOWN - the check cannot begin: ImportError", done.stdout)

    def test_damaged(self) -> None:
        """A damaged status file is named, by an interpreter that has no other use for JSON too."""
        self.write()
        for content in (b"{bad", b'{"a": tru', b"\xff"):
            self.file.write_bytes(content)
            done = subprocess.run(
                [sys.executable, "-S", str(SCRIPT), "--config", str(self.config)],
                env={"PYTHONPATH": INSTALLED},
                capture_output=True,
                text=True,
                timeout=30,
            )
            self.assertEqual((3, ""), (done.returncode, done.stderr))
            self.assertIn(f"UNKNOWN - {self.file} is damaged", done.stdout)

    def test_imports(self) -> None:
        """It loads nothing but Vcycle's few plain modules, and none that is slow."""
        self.write()
        program = (
            "import os, sys\nbefore = set(sys.modules)\n"
            "from vcycle.commands.nagios import main\n"
            f"main(['--config', {str(self.config)!r}])\n"
            "print(*{n.partition('.')[0] for n in set(sys.modules) - before})\n"
        )
        # Without what an environment's .pth files load beforehand.
        done = subprocess.run(
            [sys.executable, "-S", "-c", program],
            env={"PYTHONPATH": INSTALLED},
            capture_output=True,
            text=True,
            timeout=30,
        )
        self.assertEqual("", done.stderr)
        loaded = set(done.stdout.splitlines()[-1].split())
        self.assertLessEqual(loaded, {"vcycle", "__future__", "_json", "time"})

    def test_quick(self) -> None:
        """It takes little longer than an interpreter that does nothing."""
        self.write()
        # 1.5 is promised of a quiet machine; the best of many tries comes near to that.
        self.assertLess(min(ratio(self.config, 12) for _ in range(3)), 1.7)
