"""Tests for vcycle.core.expressions."""

from __future__ import annotations

import re
import time

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.config.values import expression
from vcycle.core.expressions import MAX_TEXT, cost_problem

# Of the greatest length: what backtracks does so from everywhere in the first, and the second.
DNS = ("a" * MAX_TEXT, ("/DC=ch/DC=cern/CN=" + 200 * "aaab")[:MAX_TEXT])
SECONDS = 0.5
"""Far more than is allowed, for a machine that is slow and busy."""


def seconds(text: str) -> float:
    """How long it takes to find that none of the DNs match, and longest of all one."""
    wanted, longest = re.compile(text), 0.0
    for dn in DNS:
        began = time.thread_time()
        wanted.fullmatch(dn)
        longest = max(longest, time.thread_time() - began)
    return longest


class CostTests(SynchronousTestCase):
    def test_wanted(self) -> None:
        """What is written for DNs may be written."""
        for text in (
            r".*/CN=cvm-sign0[12]\.cern\.ch",
            r"/DC=ch/DC=cern/OU=computers/CN=cvm-sign0(1|2)\.cern\.ch$",
            r"/O=[A-Za-z ]+/(OU=[^/]*/)?CN=(?:robot|signer)-[0-9]{2}",
            r"[*+?|(]\*\+\(\?=",
            r"/DC=ch/DC=cern/OU=computers/CN=cvm-sign[0-9]+\.cern\.ch",
            r".*/O=[^/]*/CN=(Robot: |Service )?signer-[0-9]{1,3}",
            r"^/C=[A-Z]{2}/O=GRID-FR/(O=[A-Za-z]{2,30}/)?OU=LAL/CN=.*\.fr$",
            r".*?/CN={}",
            *(r"^/DC=ch/.*/CN=.*sign.*$", ".*/O=.*/CN=.*"),
            "a?" * 16 + "b",
        ):
            self.assertIsNone(cost_problem(text), text)
            self.assertEqual(text, expression(text))

    def test_dear(self) -> None:
        """What could hold up a daemon for ever may not."""
        for text, expected in (
            *(("(a+)+$", "a group"), ("(.|.)*x", "a group"), ("(a{2}){9}", "a group")),
            *((r"(?:.*){9}x", "a group"), (r"(.*)\1", "refers back"), ("(?=.*x).*", "around")),
            *(
                (r".*.*x\.*$", "more than 2"),
                (".*.*(.*)", "more than 2"),
                (".*.*.*$b", "more than 2"),
            ),
            *((".*.*.*x", "more than 2"), (".{3,}.{,}.+x", "more than 2"), ("(?i)x", "flags")),
            *((".*a?a?a?a?a?a?a?a?.*.*b", "more than 2"), (".{0,500}.{0,500}.*b", "steps")),
            *(("a?" * 40 + "a" * 40, "steps"), ("(a|a)" * 30, "steps")),
            *((".*a?a?a?a?a?a?a?a?.*b", "steps"), (".*.*" + r"[\d\d\d\d]" * 60, "steps")),
            *((".{0,400}.{0,400}.{0,400}b", "steps"), (".*.*" + "(.)" * 60 + "b", "steps")),
        ):
            self.assertIn(expected, str(cost_problem(text)), text)
            self.assertRaises(ValueError, expression, text)

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.sampled_from([*"a.*+?|()[]\\{}b", ".*", "a?", "{2}"]), max_size=14))
    def test_quick(self, parts: list[str]) -> None:
        """Whatever is allowed matches or does not, in a moment."""
        text = "".join(parts)
        try:
            expression(text)
        except ValueError:
            return
        self.assertLess(seconds(text), SECONDS, text)

    def test_worst(self) -> None:
        """What is allowed only just matches or does not, in a moment."""
        for piece, ending in (
            *(("a", "b"), ("[ab]", "c"), (r"[\d\sa]", "c"), ("(a)", "b"), ("()", "b")),
            *(("a?", "b"), ("(a|a)", "b"), ("(?:(a)|b)", "c"), (".{0,9}", "b"), (r"\b|", "c")),
        ):
            for before in ("", ".*", ".*.*", "[ab]+?[^/]+", "a{0,200}a{0,200}", "(.*|a)a*"):
                allowed = ""
                while len(text := allowed + piece) < 450 and not cost_problem(
                    before + text + ending
                ):
                    allowed = text
                text = before + allowed + ending
                self.assertIsNone(cost_problem(text), text)
                self.assertLess(seconds(text), SECONDS, text)
