"""What is passed on of the guests' consoles."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from demo.consoles import PIECE, Consoles


class Listening(SynchronousTestCase):
    """The lines of user_data."""

    def setUp(self) -> None:
        state = Path(self.mktemp())
        machine = state / "spaces/demo/machines/1795398111_worker_vc1-02.demo.test"
        machine.mkdir(parents=True)
        self.console = machine / "console.log"
        self.consoles = Consoles(state)

    def said(self) -> list[tuple[str, str]]:
        """What is new."""
        return list(self.consoles.said())

    def test_once(self) -> None:
        """Each whole line is passed on once, with its machine's short name and its kind."""
        self.console.write_bytes(b"work begins\r\nwork is")
        self.assertEqual(self.said(), [("vc1-02 (worker)", "work begins")])
        self.assertEqual(self.said(), [])
        self.console.write_bytes(b"work begins\r\nwork is done\n")
        self.assertEqual(self.said(), [("vc1-02 (worker)", "work is done")])

    def test_not_the_system(self) -> None:
        """The kernel's lines and those of the guest's first process are left out."""
        self.console.write_bytes(b"[    0.1] Linux\nguest 1.2 network eth0\n\nhello\n")
        self.assertEqual([line for _, line in self.said()], ["hello"])

    def test_hostile(self) -> None:
        """Control sequences do not reach the terminal, and a flood comes in pieces."""
        self.console.write_bytes(b"\x1b[2Jhello\n" + b"x" * (3 * PIECE))
        self.assertEqual(self.said()[0], ("vc1-02 (worker)", "[2Jhello"))
        self.assertTrue(all(len(line) <= PIECE for _, line in self.said()))

    def test_nothing_there(self) -> None:
        """No machines say nothing."""
        self.assertEqual(list(Consoles(Path(self.mktemp())).said()), [])
