"""Tests for vcycle.core.expressions."""

from __future__ import annotations

import re
import time

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.config.values import expression
from vcycle.core.expressions import cost_problem

DN = "/DC=ch/DC=cern/OU=computers/CN=" + 100 * "aaab"


class CostTests(SynchronousTestCase):
    def test_wanted(self) -> None:
        """What is written for DNs may be written."""
        for text in (
            r".*/CN=cvm-sign0[12]\.cern\.ch",
            r"/DC=ch/DC=cern/OU=computers/CN=cvm-sign0(1|2)\.cern\.ch$",
            r"/O=[A-Za-z ]+/(OU=[^/]*/)?CN=(?:robot|signer)-[0-9]{2}",
            r"[*+?|(]\*\+\(\?=",
        ):
            self.assertIsNone(cost_problem(text), text)
            self.assertEqual(text, expression(text))

    def test_dear(self) -> None:
        """What could hold up a daemon for ever may not."""
        for text, expected in (
            *(("(a+)+$", "a group"), ("(.|.)*x", "a group"), ("(a{2}){9}", "a group")),
            *((r"(?:.*){9}x", "a group"), (r"(.*)\1", "refers back"), ("(?=.*x).*", "around")),
            *((".*.*.*.*x", "more than 3"), ("a?" * 40 + "a" * 40, "more than 8")),
            *(("(?i)x", "flags"), ("(a|a)" * 9, "more than 8")),
        ):
            self.assertIn(expected, str(cost_problem(text)), text)
            self.assertRaises(ValueError, expression, text)

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.sampled_from([*"a.*+?|()[]\\{}b", ".*", "a?", "{2}"]), max_size=14))
    def test_quick(self, parts: list[str]) -> None:
        """Whatever is allowed matches or does not, in a moment."""
        text = "".join(parts)
        try:
            wanted = re.compile(expression(text))
        except ValueError:
            return
        began = time.thread_time()
        wanted.fullmatch(DN)
        self.assertLess(time.thread_time() - began, 2.0, text)
