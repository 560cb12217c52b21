"""Tests for vcycle scan: what it shows, and how it goes with real sockets."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.responding import (
    NOW,
    SPACE,
    Behaviour,
    Responders,
    answering,
    machine,
    running,
    serve,
    status,
)
from tests.commands.running import environment, run
from vcycle.commands.choosing import Chosen
from vcycle.commands.views.columns import Look
from vcycle.commands.views.gathered import Gathered
from vcycle.commands.views.scan import QUESTION
from vcycle.core.vacquery.encode import encode_answer
from vcycle.core.vacquery.messages import Answer, Kind, Query

ONE, TWO, TEN = (f"factory{number}.example.com" for number in (1, 2, 10))
STARTING: Mapping[str, object] = {
    "state": "Starting",
    "started_time": None,
    "heartbeat_time": None,
    "created_time": NOW - 30,
    "cpu_seconds": 0,
    "cpu_percentage": 0.0,
}
ANSWERS: Sequence[Answer] = (
    running(TEN, "00", machinetype="production", num_processors=8, cpu_seconds=56000),
    running(TWO, "00", state="Shut down", shutdown_message="300 Nothing", shutdown_time=NOW - 60),
    machine(TWO, "01"),
    running(ONE, "00", shutdown_message="200 Success"),
    running(ONE, "01", **STARTING),
    running(ONE, "02", state="Unknown"),
    status(ONE),
    status(TWO),
    status(TEN, max_processors=8),
)
TEXT = """\
FACTORY    SLOT  MACHINETYPE  STATE     CPUS    AGE    CPU%   NOW%  LAST MESSAGE
factory1   00    example      running      1  2h00m   95.0%  97.4%  200 Success
factory1   01    example      starting     1    30s       -      -  -
factory1   02    example      unknown      1  2h00m   95.0%      -  -
factory10  00    production   running      8  2h00m  777.8%  97.4%  -

2 machines running, 1 starting on 3 factories, 11 of 16 processors; answered in 0.2 s
"""
ALL = """\
factory1   00  example     running    1  2h00m   95.0%  97.4%  200 Success
factory1   01  example     starting   1    30s       -      -  -
"""


def gathered(
    answers: Sequence[Answer] = ANSWERS, unreachable: Mapping[str, str] = MappingProxyType({})
) -> Gathered:
    factories = (ONE, TWO, TEN, *unreachable)
    chosen = Chosen(space=SPACE, factories=factories, port=995, seconds=10.0)
    return Gathered(
        chosen=chosen,
        answers=tuple(answers),
        unreachable=unreachable,
        taken_at=NOW + 5000.0,
        seconds=0.21,
    )


def shown(look: Look, *sort: str, slots: bool = False, answers: Sequence[Answer] = ANSWERS) -> str:
    arguments = argparse.Namespace(all=slots, sort=sort)
    return QUESTION.view(gathered(answers), arguments).text(look)


class ViewTests(SynchronousTestCase):
    def test_text(self) -> None:
        """Machines are by factory and slot, ages by their factories' clocks, sums below."""
        self.assertEqual(TEXT, shown(Look()))

    def test_all(self) -> None:
        """Empty slots and those whose machine is over are shown only where all are wanted."""
        lines = shown(Look(), slots=True).splitlines()
        self.assertEqual(6, len(lines[1 : lines.index("")]))
        self.assertRegex(lines[4], r"^factory2 +00 +example +shut-down +1 +2h00m .* 300 Nothing$")
        self.assertRegex(lines[5], r"^factory2 +01 +- +empty +- +- +- +- +-$")

    def test_wide(self) -> None:
        """A wide table has more columns, and the same ones where they were."""
        header = shown(Look(wide=True)).splitlines()[0]
        narrow = shown(Look()).splitlines()[0].split()
        self.assertEqual(narrow[:8], header.split()[:8])
        self.assertIn("  UUID  ", header)

    def test_no_headers(self) -> None:
        """Without headers there are machines only, for programs that read lines."""
        self.assertEqual(4, len(shown(Look(headers=False)).splitlines()))

    def test_sorted(self) -> None:
        """Rows are sorted by columns, downwards too; what has no value is last either way."""
        for sort, slots in {
            ("-age", "factory"): ["00", "02", "00", "01"],
            ("now%", "slot"): ["00", "00", "01", "02"],
            ("-now%", "slot"): ["00", "00", "01", "02"],
            ("state", "-factory"): ["00", "00", "01", "02"],
        }.items():
            lines = shown(Look(headers=False), *sort).splitlines()
            self.assertEqual(slots, [line.split()[1] for line in lines], sort)
        first = shown(Look(headers=False), "state", "-factory").splitlines()[0]
        self.assertTrue(first.startswith("factory10 "), first)

    def test_sorted_for_programs(self) -> None:
        """Names and objects are in the order that rows have, and totals do not change."""
        sorting = argparse.Namespace(all=False, sort=("-cpus", "age"))
        view = QUESTION.view(gathered(), sorting)
        slots = ["factory10-00", "factory1-01", "factory1-00", "factory1-02"]
        self.assertEqual([f"{slot}.example.com" for slot in slots], list(view.names))
        objects = json.loads(json.dumps(view.objects))
        self.assertEqual(list(view.names), [each["machine"] for each in objects["machines"]])
        self.assertEqual(11, objects["processors_running"])

    def test_unknown(self) -> None:
        """A machine whose state is not known may be there: it is shown, as help says."""
        machines = [running(ONE, "00", state="Unknown", num_processors=3)]
        view = QUESTION.view(gathered(machines), argparse.Namespace(all=False, sort=()))
        self.assertEqual(["factory1-00.example.com"], list(view.names))
        self.assertEqual(3, view.objects["processors_running"])
        self.assertIn("does not know is shown, and counted", " ".join(run("scan", "-h")[1].split()))

    def test_colour(self) -> None:
        """States have colours where these are wanted, and columns stay where they are."""
        coloured = shown(Look(colour=True))
        self.assertIn("\x1b[32mrunning\x1b[0m", coloured)
        self.assertEqual(TEXT, re.sub(r"\x1b\[\d+m", "", coloured))

    def test_nobody(self) -> None:
        """Where nothing runs there is the summary, and nothing else."""
        text = shown(Look(), answers=())
        self.assertEqual(1, len(text.splitlines()))
        self.assertIn("0 machines running, 0 starting on 3 factories, 0 of an unknown", text)

    def test_unreachable(self) -> None:
        """Who did not answer is named in the summary."""
        arguments = argparse.Namespace(all=False, sort=())
        text = QUESTION.view(gathered(unreachable={"factory3.example.com": "no answer"}), arguments)
        last = text.text(Look()).splitlines()[-1]
        self.assertTrue(last.endswith("; unreachable: factory3.example.com"), last)

    def test_same_first_labels(self) -> None:
        """Factories whose first labels are the same have their whole names."""
        other = "factory1.example.org"
        answers = [running(ONE, "00"), running(other, "00"), running(TWO, "00")]
        chosen = evolve(gathered().chosen, factories=(ONE, other, TWO))
        arguments = argparse.Namespace(all=False, sort=())
        view = QUESTION.view(evolve(gathered(answers), chosen=chosen), arguments)
        names = [line.split()[0] for line in view.text(Look(headers=False)).splitlines()]
        self.assertEqual([ONE, other, "factory2"], names)

    def test_hostile_messages(self) -> None:
        """What a machine says cannot steer a terminal, nor add a line."""
        hostile = "200 \x1b[2J\r\n\x9b31m\u202e\u2066\x07\x7f end"
        text = shown(Look(), answers=[running(ONE, "00", shutdown_message=hostile)])
        self.assertEqual(4, len(text.splitlines()))
        self.assertTrue(all(char.isprintable() for char in text.replace("\n", "")), text)


class CommandTests(SynchronousTestCase):
    A, B, C = "127.0.3.1", "127.0.3.2", "127.0.3.3"

    def serve(self, **more: Behaviour) -> Responders:
        """A and B with a machine each; nobody listens on C."""
        return serve(
            self,
            {
                self.A: answering([running(self.A, "00"), machine(self.A, "01"), status(self.A)]),
                self.B: answering([running(self.B, "00", **STARTING), status(self.B)]),
                **more,
            },
        )

    def scan(self, *words: str, port: int) -> tuple[int, str, str]:
        return run("scan", "--space", SPACE, "--port", str(port), *words)

    def test_all_answer(self) -> None:
        """All machines of all factories are shown, nothing is said beside, and all is good."""
        port = self.serve().port
        code, out, err = self.scan(self.A, self.B, port=port)
        self.assertEqual((0, ""), (code, err))
        self.assertRegex(out, r"(?m)^127.0.3.1 +00 +example +running .* 95.0% +97.4% +-$")
        self.assertRegex(out, r"(?m)^127.0.3.2 +00 +example +starting .* 30s ")
        self.assertRegex(
            out,
            r"\n\n1 machine running, 1 starting on 2 factories, 2 of 8 processors;"
            r" answered in \d+\.\d s\n\Z",
        )

    def test_refused(self) -> None:
        """A factory on which nobody listens costs no waiting, and is named with the reason."""
        port = self.serve().port
        code, out, err = self.scan(self.A, self.C, "--timeout", "600", port=port)
        self.assertEqual(1, code)
        self.assertTrue(out.endswith("; unreachable: 127.0.3.3\n"), out)
        self.assertEqual(
            f"vcycle scan: {self.C}: {self.C}:{port}: nobody listens there (connection refused)\n",
            err,
        )

    def test_silent(self) -> None:
        """A factory that says nothing is waited for as long as allowed, and not longer."""
        port = self.serve(**{self.C: lambda query: ()}).port
        code, out, err = self.scan(self.A, self.C, "--timeout", "0.2", port=port)
        self.assertEqual(1, code)
        self.assertIn("running", out)
        self.assertIn(f"vcycle scan: {self.C}: no answer from {self.C}:{port} within 0.2 s", err)

    def test_json(self) -> None:
        """For programs there is one object with the same machines, and who is unreachable."""
        port = self.serve().port
        code, out, err = self.scan(self.A, self.C, "-J", port=port)
        told = json.loads(out)
        self.assertEqual(
            (1, 1, "scan", SPACE), (code, *map(told.get, ("version", "command", "space")))
        )
        self.assertEqual(
            [{"factory": self.C, "reason": err.partition(f"{self.C}: ")[2].rstrip("\n")}],
            told["unreachable"],
        )
        self.assertEqual((2, 1), (told["factories_asked"], told["factories_answered"]))
        self.assertRegex(told["taken_at_iso"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        [only] = told["machines"]
        self.assertEqual(
            (self.A, "00", "running", 7200, 95.0, 97.4, None),
            tuple(
                only[key]
                for key in (
                    *("factory", "slot", "state", "age_seconds", "lifetime_cpu_percentage"),
                    *("recent_cpu_percentage", "shutdown_message"),
                )
            ),
        )
        self.assertEqual(
            (1, 0, 1, 4),
            tuple(
                told[key]
                for key in (
                    *("machines_running", "machines_starting"),
                    *("processors_running", "processors_limit"),
                )
            ),
        )

    def test_names(self) -> None:
        """There is a form with names alone."""
        port = self.serve().port
        code, out, _ = self.scan(self.B, self.A, "-o", "name", port=port)
        self.assertEqual((0, "127-00.0.3.1\n127-00.0.3.2\n"), (code, out))

    def test_two_spaces(self) -> None:
        """Only machines of the space that was asked for are shown, whatever else is answered."""

        def stranger(query: Query) -> list[bytes]:
            other = evolve(running(self.C, "66"), space="other.example.com", cookie=query.cookie)
            return [encode_answer(other)]

        port = self.serve(**{self.C: stranger}).port
        code, out, err = self.scan(self.A, self.C, "-t", "0.2", port=port)
        self.assertEqual(1, code)
        self.assertNotIn("66", out.partition(";")[0])
        self.assertIn(f"{self.C}: no answer", err)

    def test_hostile(self) -> None:
        """Garbage, forgeries and false names change nothing of what others tell."""

        def hostile(query: Query) -> list[bytes]:
            mine = running(self.C, "00", shutdown_message="200 \x1b[2Jfoo\nbar")
            another = evolve(running(self.A, "66"), cookie=query.cookie)
            old = evolve(mine, cookie="0")
            future = evolve(mine, cookie=query.cookie, started_time=NOW * 5, machine="02")
            odd = evolve(mine, cookie=query.cookie, heartbeat_time=1)
            good = status(self.C, os_issue="\x1b]0;title\x07")
            bad = [b"", b"[]", b"5", b"\xff" * 1400, b"{" * 1400, b'{"cookie":NaN}', b"x" * 20000]
            told: list[Answer] = [another, old, future, odd, evolve(good, cookie=query.cookie)]
            return [*bad, *(encode_answer(each) for each in told)]

        port = self.serve(**{self.C: hostile}).port
        code, out, err = self.scan(self.A, self.B, self.C, "-t", "2", port=port)
        self.assertEqual((0, ""), (code, err))
        self.assertEqual(3, out.count("\n127.0.3."))
        self.assertNotIn("\x1b", out)
        self.assertRegex(out, r"(?m)^127.0.3.3 +00 .* 200 \?\[2Jfoo.bar$")

    def test_says_less_than_announced(self) -> None:
        """A factory that announces more than it tells is shown, and named with what is missing."""

        def partial(query: Query) -> list[bytes]:
            told = (
                status(self.C)
                if query.kind is Kind.FACTORY
                else running(self.C, "00", num_machines=3)
            )
            return [encode_answer(evolve(told, cookie=query.cookie))]

        port = self.serve(**{self.C: partial}).port
        code, out, err = self.scan(self.C, "-t", "0.3", port=port)
        self.assertEqual(1, code)
        self.assertIn("127.0.3.3  00", out)
        self.assertIn(f"vcycle scan: {self.C}: only 1 of 3 answers came", err)

    def test_without_slots(self) -> None:
        """A factory that answers and has no slots is no reason to complain."""
        port = self.serve(**{self.C: answering([status(self.C)])}).port
        code, out, err = self.scan(self.C, port=port)
        self.assertEqual((0, ""), (code, err))
        self.assertIn("on 1 factory, 0 of 4 processors;", out)
        told = json.loads(self.scan(self.C, "-J", port=port)[1])
        self.assertEqual(4, told["processors_limit"])

    def test_signed(self) -> None:
        """With a secret queries are signed with it; what is signed otherwise is not believed."""
        from vcycle.core.vacquery.secret import sign, verify
        from vcycle.daemon.instants import wall

        def forging(query: Query) -> list[bytes]:
            told = evolve(status(self.C), cookie=query.cookie)
            return [sign(encode_answer(told), b"another", wall())]

        responders = self.serve(**{self.C: forging})
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"the secret of space\n")
            file.flush()
            words = (self.A, self.C, "-t", "0.2", "--secret-file", file.name)
            code, out, err = self.scan(*words, port=responders.port)
        self.assertEqual(1, code)
        self.assertIn("127.0.3.1  00", out)
        self.assertIn("signed with another secret", err)
        for datagram in responders.datagrams:
            self.assertIsNotNone(verify(datagram, b"the secret of space", wall()))

    def test_unknown_name(self) -> None:
        """A name that is not known to the name service is told so, and others are asked."""
        port = self.serve().port
        words = (self.A, "nowhere.invalid", "-t", "20")
        code, out, err = self.scan(*words, port=port)
        self.assertEqual(1, code)
        self.assertIn("127.0.3.1  00", out)
        self.assertRegex(err, r"^vcycle scan: nowhere\.invalid: its name (is not known|was not)")

    def test_wrong_sort(self) -> None:
        """A column that is not there is a wrong command line, and those that are there are told."""
        code, out, err = self.scan(self.A, "--sort", "-colour", port=1)
        self.assertEqual((2, ""), (code, out))
        self.assertIn("--sort -colour: there is no such column; there are factory, slot,", err)
        for wrong in ("--age", "-", "---age"):
            code, out, err = self.scan(self.A, f"--sort=state,{wrong}", port=1)
            self.assertEqual((2, ""), (code, out))
            self.assertIn(f"--sort {wrong}: there is no such column; there are factory,", err)


class ProcessTests(SynchronousTestCase):
    """What only a process of its own can show."""

    A = "127.0.3.1"

    def command(self, *words: str) -> list[str]:
        port = serve(self, {self.A: answering([running(self.A, "00"), status(self.A)])}).port
        whole = [sys.executable, "-m", "vcycle.commands.main", "scan", "--space", SPACE]
        return [*whole, "--port", str(port), self.A, *words]

    def test_no_colour_in_pipes(self) -> None:
        """Colours are not written into pipes, but where one insists; and never under NO_COLOR."""
        for words, more, coloured in [
            ((), {}, False),
            (("--color=always",), {}, True),
            (("--color=always",), {"NO_COLOR": "1"}, False),
            (("--color=never",), {}, False),
        ]:
            done = subprocess.run(
                self.command(*words), env=environment(**more), capture_output=True, timeout=60
            )
            self.assertEqual((0, b""), (done.returncode, done.stderr))
            self.assertEqual(coloured, b"\x1b[" in done.stdout, words)

    def test_closed_pipe(self) -> None:
        """A reader that goes away early is no traceback."""
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "wb") as closed:
            done = subprocess.run(
                self.command("-J"), env=environment(), stdout=closed, stderr=-1, timeout=60
            )
        self.assertEqual((1, b""), (done.returncode, done.stderr))

    def test_ascii_terminal(self) -> None:
        """What cannot be written in the output's alphabet is replaced."""
        port = serve(
            self,
            {self.A: answering([running(self.A, "00", shutdown_message="200 日"), status(self.A)])},
        ).port
        words = ["scan", "--space", SPACE, "--port", str(port), self.A]
        done = subprocess.run(
            [sys.executable, "-m", "vcycle.commands.main", *words],
            env=environment(PYTHONIOENCODING="ascii"),
            capture_output=True,
            timeout=60,
        )
        self.assertEqual((0, b""), (done.returncode, done.stderr))
        self.assertIn(b"200 ?\n", done.stdout)

    def test_light(self) -> None:
        """A scan loads neither Twisted nor libvirt."""
        look = (
            "import sys; from vcycle.commands.main import main; main(sys.argv[1:]);"
            " print([m for m in sys.modules if m.split('.')[0] in ('twisted', 'libvirt')])"
        )
        words = [sys.executable, "-c", look, *self.command()[3:]]
        done = subprocess.run(words, env=environment(), capture_output=True, timeout=60)
        self.assertEqual(b"[]", done.stdout.splitlines()[-1], done.stderr)
