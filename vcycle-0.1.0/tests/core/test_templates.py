"""Tests for vcycle.core.templates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.values import machinetype
from vcycle.core.templates import Verdict, judge
from vcycle.core.userdata import STANDARD


def judged(template: str, **changes: Any) -> Verdict:
    return judge(template.encode(), machinetype(**changes))


class JudgeTests(SynchronousTestCase):
    def test_good(self) -> None:
        """A template that asks for what there is, and for all of it, has nothing to be said of."""
        template = "".join(f"##user_data_{name}##" for name in (*STANDARD, "option_a", "file_b"))
        self.assertEqual(
            Verdict(),
            judged(template, user_data_options={"a": "A"}, user_data_files={"b": "b.pem"}),
        )

    def test_unknown(self) -> None:
        """Each name that nothing stands for, once."""
        template = "##user_data_option_x## ##user_data_option_x## ##user_data_uid## ##user_data_##"
        self.assertEqual(("", "option_x", "uid"), judged(template).unknown)

    def test_unused(self) -> None:
        """Each option by its whole name."""
        verdict = judged(
            "#!/bin/sh",
            user_data_options={"a": "A", "b": "B"},
            user_data_files={"c": "c"},
            user_data_proxy=True,
            cvmfs_proxy_machinetype=("squid", 280),
        )
        self.assertEqual(
            (
                "cvmfs_proxy_machinetype",
                "user_data_file_c",
                "user_data_option_a",
                "user_data_option_b",
                "user_data_proxy",
            ),
            verdict.unused,
        )

    def test_files(self) -> None:
        """A file answers to both of its names, but where an option has the other one."""
        for name in ("file_a", "option_a"):
            self.assertEqual(
                Verdict(), judged(f"##user_data_{name}##", user_data_files={"a": "a.pem"})
            )
        both: dict[str, Any] = {"user_data_options": {"a": "A"}, "user_data_files": {"a": "a.pem"}}
        self.assertEqual(("user_data_file_a",), judged("##user_data_option_a##", **both).unused)

    def test_proxies(self) -> None:
        """Patterns of proxies are known where there may be one, whether there is one or not."""
        for option, changes in (
            ("cvmfs_proxy", {"cvmfs_proxy_machinetype": ("squid", 280)}),
            ("x509_proxy", {"user_data_proxy": True}),
        ):
            template = f"##user_data_option_{option}##"
            self.assertEqual(Verdict(), judged(template, **changes))
            self.assertEqual((f"option_{option}",), judged(template).unknown)

    @given(st.binary())
    def test_any(self, template: bytes) -> None:
        """Of whatever bytes."""
        self.assertEqual((), judge(template, machinetype()).unused)


class ExampleTests(SynchronousTestCase):
    def test_example(self) -> None:
        """The example of the guide asks for nothing that there is not."""
        example = Path(__file__).resolve().parents[2] / "docs" / "examples" / "user_data"
        options = {"cvmfs_proxy": "http://squid.example.com:3128"}
        verdict = judge(example.read_bytes(), machinetype(user_data_options=options))
        self.assertEqual(Verdict(), verdict)
