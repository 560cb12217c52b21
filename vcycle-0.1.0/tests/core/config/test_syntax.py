"""Tests for vcycle.core.config.syntax."""

from __future__ import annotations

from hypothesis import given
from hypothesis.strategies import text
from twisted.trial.unittest import SynchronousTestCase

from tests.core.config.writing import told
from vcycle.core.config.findings import MAX_PROBLEMS, Findings
from vcycle.core.config.syntax import MAX_BLOCKS, MAX_TEXT, parse


class ParseTests(SynchronousTestCase):
    def values(self, content: str) -> dict[str, str]:
        """The options of a text without mistakes, whatever the section."""
        findings = Findings(["x"])
        blocks = parse("x", content, findings)
        self.assertEqual((), findings.in_order())
        return {value.option: value.text for block in blocks for value in block.values}

    def test_equals_or_colon(self) -> None:
        """The first of = and : ends the name; blanks around it do not count."""
        content = "[s]\na=1\nb : 2\nc = x:y\nd: x=y\n"
        self.assertEqual({"a": "1", "b": "2", "c": "x:y", "d": "x=y"}, self.values(content))

    def test_case(self) -> None:
        """Names of sections and options are lower-cased, values are not."""
        [block] = parse("x", "[MachineType  ATLAS]\nUser_Data = A\n", Findings(["x"]))
        self.assertEqual(("machinetype", ("atlas",)), (block.kind, block.names))
        self.assertEqual(("user_data", "A"), (block.values[0].option, block.values[0].text))

    def test_continuation(self) -> None:
        """A line that starts with a blank continues the value, over empty and comment lines."""
        content = "[s]\na = one\n  two\n\n# no\n\tthree\nb =\n  four\n"
        self.assertEqual({"a": "one\ntwo\nthree", "b": "four"}, self.values(content))

    def test_comments(self) -> None:
        """Lines with #, ; or rem, and what follows a blank and ;, are comments; # inside is not."""
        content = "# x\n; x\nrem x\nREM\n[s] ; x\na = 1 ; x\nb = 1;2\nc = #1\n  ; x\n  # x\n"
        self.assertEqual({"a": "1", "b": "1;2", "c": "#1"}, self.values(content))

    def test_rem_is_a_word(self) -> None:
        """An option whose name begins with rem is an option."""
        self.assertEqual({"remote": "1"}, self.values("[s]\nremote = 1\n"))

    def test_nothing_interpolated(self) -> None:
        """Percent and dollar signs are what they are."""
        self.assertEqual({"a": "%(b)s ${c} %"}, self.values("[s]\na = %(b)s ${c} %\n"))

    def test_two_quotes(self) -> None:
        """Two double quotes are an empty value."""
        self.assertEqual({"a": "", "b": '"x"'}, self.values('[s]\na = ""\nb = "x"\n'))

    def test_other_editors(self) -> None:
        """A byte order mark and carriage returns at line ends do no harm."""
        self.assertEqual({"a": "1"}, self.values("\ufeff[s]\r\na = 1\r\n"))

    def test_places(self) -> None:
        """Each value knows its file and the line that it begins on."""
        [block] = parse("f.conf", "\n[s]\n\na =\n  1\nb = 2", Findings([]))
        self.assertEqual([("f.conf", 4), ("f.conf", 6)], [(v.file, v.line) for v in block.values])

    def test_bounds(self) -> None:
        """Too large a text is not looked at, and too many sections are told once they are."""
        findings = Findings(["x"])
        self.assertEqual([], parse("x", "a" * (MAX_TEXT + 1), findings))
        self.assertEqual(MAX_BLOCKS, len(parse("x", "[s]\n" * (MAX_BLOCKS + 1), findings)))
        expected = [
            f"x: {MAX_TEXT + 1} characters: at most {MAX_TEXT} are read",
            f"x:{MAX_BLOCKS + 1}: more than {MAX_BLOCKS} sections in one file",
        ]
        self.assertEqual(expected, [str(problem) for problem in findings.in_order()])

    def test_many_problems(self) -> None:
        """The number of problems is bounded, and warnings cannot hide an error."""
        warnings = "[settings]\n" + "domain_type = x\n" * (2 * MAX_PROBLEMS)
        found = told(warnings + "nonsense = 1\n")
        self.assertLess(len(found), MAX_PROBLEMS + 10)
        self.assertIn("nonsense: no such option", "".join(found))
        self.assertEqual(MAX_PROBLEMS, len(told("x\n" * 2 * MAX_PROBLEMS)))

    @given(text())
    def test_any_text(self, content: str) -> None:
        """Any text is read without an exception."""
        parse("x", content, Findings(["x"]))
