"""Tests for vcycle.commands.check."""

from __future__ import annotations

import contextlib
import io
import json
import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vcycle.commands.main import main
from vcycle.daemon.instants import wall
from vcycle.daemon.pipecopies import Copy, keep

ROOT = Path(__file__).parents[2]
SETTINGS = "[settings]\nvcycle_space = vcycle01.example.com\n"
MACHINETYPE = "[machinetype atlas]\ntarget_share = 1\nroot_image = atlas.img\n"


class Checking(SynchronousTestCase):
    def check(self, *argv: str) -> tuple[int, str]:
        """The exit status, and what was printed."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = main(["check", "--host", "factory1.example.com", *argv])
        return status, out.getvalue()

    def file(self, text: str) -> str:
        path = Path(self.mktemp())
        path.write_text(text, "utf-8")
        return str(path)


class CheckTests(Checking):
    def test_good(self) -> None:
        """A good configuration is one line, and status 0."""
        path = self.file(SETTINGS + MACHINETYPE)
        expected = (0, "Usable: 1 space, 1 machinetype; 0 errors, 0 warnings.\n")
        self.assertEqual(expected, self.check(path))
        self.assertEqual(expected, self.check("--config", path))

    def test_warnings(self) -> None:
        """Warnings are printed, and the status is 0 still."""
        path = self.file(SETTINGS + "cpu_total = 8\n" + MACHINETYPE)
        status, out = self.check(path)
        self.assertEqual(0, status)
        self.assertEqual(
            f"{path}:3: warning: [settings] cpu_total: an old name, still honoured: write"
            " total_processors instead\n"
            "Usable: 1 space, 1 machinetype; 0 errors, 1 warning.\n",
            out,
        )

    def test_errors(self) -> None:
        """All problems are printed in the order of files and lines, and the status is 1."""
        one = self.file(SETTINGS + "colour = blue\ncpu_total = 8\n")
        two = self.file(MACHINETYPE + "backoff_seconds = 10m\n")
        status, out = self.check(one, two)
        self.assertEqual(1, status)
        lines = out.splitlines()
        self.assertEqual(
            [f"{one}:3: error", f"{one}:4: warning", f"{two}:4: error"],
            [line.partition(": [")[0] for line in lines[:-1]],
        )
        self.assertEqual(
            f"{two}:4: error: [machinetype atlas] backoff_seconds = '10m':"
            " expected whole seconds, 0 or more",
            lines[2],
        )
        self.assertTrue(lines[-1].startswith("Not usable: 2 errors, 1 warning."))

    def test_printable(self) -> None:
        """Nothing that a file or a server says can steer a terminal."""
        for letter in "\u009b\u202e\u2028":
            path = self.file(SETTINGS + MACHINETYPE + f"colour{letter} = b{letter}lue\n")
            _, out = self.check(path)
            self.assertTrue(out.replace("\n", "").isprintable(), out)

    def test_absent(self) -> None:
        """A file that is not there is a problem like any other."""
        status, out = self.check("--config", "/nonexistent/vcycle.conf")
        self.assertEqual(1, status)
        self.assertIn("/nonexistent/vcycle.conf: error: cannot be read: No such file", out)

    def test_json(self) -> None:
        """--json gives the same as one object, for programs."""
        path = self.file(SETTINGS + "colour = blue\n" + MACHINETYPE)
        status, out = self.check("--json", path)
        self.assertEqual(1, status)
        problem = {
            "file": path,
            "line": 3,
            "severity": "error",
            "text": "[settings] colour: no such option",
        }
        self.assertEqual(
            {"usable": False, "problems": [problem], "spaces": {}, "pipes": []}, json.loads(out)
        )
        status, out = self.check("--json", self.file(SETTINGS + MACHINETYPE))
        self.assertEqual(0, status)
        self.assertEqual({"vcycle01.example.com": ["atlas"]}, json.loads(out)["spaces"])

    def test_pipes(self) -> None:
        """Pipes are shown by the document that the daemon fetched last, with its age."""
        state_dir = Path(self.mktemp()).absolute()
        state_dir.mkdir(parents=True)
        url = "https://pipes.example.com/exvo.pipe"
        pipe = f"state_dir = {state_dir}\n[vacuum_pipe exvo]\nvacuum_pipe_url = {url}\n"
        path = self.file(SETTINGS + pipe + "target_share = 8\n")
        status, out = self.check(path)
        self.assertEqual(
            (
                0,
                "vacuum pipe exvo of vcycle01.example.com: 0 machinetypes, as this user can read"
                " no document that the daemon has fetched\n"
                "Usable: 1 space, 0 machinetypes; 0 errors, 0 warnings.\n",
            ),
            (status, out),
        )
        body = b'{"machinetypes": [{"suffix": "a", "root_image": "i"}, {"suffix": "B"}]}'
        keep(str(state_dir), Copy(url=url, body=body, fetched_at=wall() - 7200))
        status, out = self.check(path)
        lines = out.splitlines()
        self.assertEqual(0, status)
        self.assertIn(f"{url}: warning: [vacuum_pipe exvo] machinetype 'B' is left out", lines[0])
        self.assertEqual(
            "vacuum pipe exvo of vcycle01.example.com: 1 machinetype, by the document that the"
            " daemon fetched 2h 00m ago",
            lines[1],
        )
        report = json.loads(self.check("--json", path)[1])
        self.assertEqual(["exvo-a"], report["pipes"][0]["machinetypes"])
        self.assertEqual({"vcycle01.example.com": ["exvo-a"]}, report["spaces"])

    def test_examples(self) -> None:
        """The example files are good, together and the main one alone but for machinetypes."""
        main_file = str(ROOT / "etc" / "example.vcycle.conf")
        examples = sorted(map(str, (ROOT / "etc" / "vcycle.d").iterdir()))
        self.assertTrue(examples)
        expected = "Usable: 1 space, 1 machinetype; 0 errors, 0 warnings.\n"
        self.assertEqual((0, expected), self.check(*examples, main_file))
        status, out = self.check(main_file)
        self.assertEqual(0, status)
        self.assertIn("no machinetypes, so nothing is started", out)

    def test_examples_name_real_options(self) -> None:
        """Options that are commented out in the examples are options too."""
        for path in [ROOT / "etc" / "example.vcycle.conf", *(ROOT / "etc" / "vcycle.d").iterdir()]:
            text = path.read_text("utf-8")
            lines = [
                line[1:] if line.startswith("#") and line[1:2].isalpha() else line
                for line in text.splitlines()
            ]
            whole = "\n".join(lines).replace("(the host's own)", "f1.example.com") + "\n"
            if "[settings]" not in whole:
                whole += SETTINGS
            self.assertEqual(0, self.check(self.file(whole))[0], path)


class PrivilegesTests(Checking):
    def exporting(self, state_dir: str) -> str:
        settings = SETTINGS + f"state_dir = {state_dir}\nsharing = nfs\n"
        return self.file(settings + MACHINETYPE + "shared_dirs = data:/srv\n")

    def test_not_root(self) -> None:
        """Exports by a daemon that is not root are refused, and the cure is named."""
        state = Path(self.mktemp()).absolute()
        state.mkdir()
        if os.geteuid() == 0:
            os.chown(state, 65534, 65534)
        status, out = self.check(self.exporting(str(state)))
        self.assertEqual(1, status)
        [line, _] = out.splitlines()
        self.assertTrue(line.startswith("vcycled.service: error: sharing = nfs"), line)
        self.assertIn("/etc/systemd/system/vcycled.service.d/nfs.conf", line)

    def test_root(self) -> None:
        """root may, and nobody needs it who exports nothing; else it is only a warning."""
        self.assertEqual(0, self.check(self.exporting("/"))[0])
        self.assertEqual(0, self.check(self.file(SETTINGS + "sharing = nfs\n" + MACHINETYPE))[0])
        status, out = self.check(self.exporting(f"/{self.id()}"))
        self.assertEqual(0, status)
        self.assertIn("warning: sharing = nfs runs exportfs, which needs root", out)
