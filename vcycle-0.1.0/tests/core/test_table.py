"""Tests for vcycle.core.table."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.table import Cell, Colour, Entry, columns, cut, render, span, wants_colour

TABLE = """\
MACHINE  AGE  MESSAGE
a-00      5s  200 Success
a-01     12m
"""


class RenderTests(SynchronousTestCase):
    def test_table(self) -> None:
        """Headers are upper case, columns two blanks apart, lines end without a blank."""
        rows = [["a-00", "5s", "200 Success"], ["a-01", "12m", ""]]
        self.assertEqual(TABLE, render(["machine", "age", "message"], rows, right={1}))

    def test_colour(self) -> None:
        """Colours do not move columns, and are left out unless asked for."""
        rows: list[list[Entry]] = [[Cell("a", Colour.RED), "x"], ["bb", "y"]]
        coloured = render(["n", "v"], rows, colour=True)
        self.assertIn("\x1b[31ma\x1b[0m   x", coloured)
        self.assertEqual("N   V\na   x\nbb  y\n", render(["n", "v"], rows))

    def test_hostile(self) -> None:
        """Texts of machines cannot break a line or steer a terminal."""
        self.assertEqual("M\na?[2Jb?c\n", render(["m"], [["a\x1b[2Jb\nc"]]))

    def test_cut(self) -> None:
        """Given a width, lines end in it with an ellipsis; without one they are whole."""
        self.assertEqual("A  B\nx  long…\n", render(["a", "b"], [["x", "longer"]], width=8))
        self.assertIn("longer" * 100, render(["a"], [["longer" * 100]]))

    def test_wide(self) -> None:
        """Characters that fill two columns are counted so."""
        self.assertEqual("A   B\n日  x\ny   z\n", render(["a", "b"], [["日", "x"], ["y", "z"]]))

    @given(st.lists(st.tuples(st.text(), st.text(), st.text())), st.integers(0, 40))
    def test_always(self, rows: list[tuple[str, str, str]], width: int) -> None:
        """Any texts: one line for each row, within the width, no blank at an end."""
        whole = render(["a", "b", "c"], rows, right={1})
        lines = render(["a", "b", "c"], rows, right={1}, width=width).split("\n")
        self.assertEqual(len(rows) + 2, len(lines))
        self.assertEqual(len(rows) + 2, len(whole.split("\n")))
        for line in lines:
            self.assertLessEqual(columns(line), width)
        for line in whole.split("\n"):
            self.assertEqual(line.rstrip(), line)


class TextTests(SynchronousTestCase):
    def test_span(self) -> None:
        """Times are told in the units that matter."""
        for seconds, told in {
            None: "-",
            -3: "0s",
            0: "0s",
            59.9: "59s",
            60: "1m",
            3599: "59m",
            3600: "1h00m",
            86399: "23h59m",
            86400: "1d00h",
            190000: "2d04h",
        }.items():
            self.assertEqual(told, span(seconds))

    def test_cut(self) -> None:
        """A cut text ends in an ellipsis and keeps within its width."""
        self.assertEqual(["", "…", "a…", "abc"], [cut("abc", width) for width in range(4)])

    def test_wants_colour(self) -> None:
        """Colours are for terminals, and NO_COLOR forbids them."""
        self.assertTrue(wants_colour(True, {"TERM": "xterm"}))
        self.assertFalse(wants_colour(False, {"TERM": "xterm"}))
        self.assertFalse(wants_colour(True, {"TERM": "xterm", "NO_COLOR": "1"}))
        self.assertFalse(wants_colour(True, {"TERM": "dumb"}))
