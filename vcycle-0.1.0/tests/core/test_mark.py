"""Tests for vcycle.core.mark."""

from __future__ import annotations

import contextlib

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.machine import Mark
from vcycle.core.mark import MAX_LENGTH, NAMESPACE, fit, mark_xml, read_mark

MARK = Mark(owner="host:/var/lib", space="s", uuid="u", name="n", facts='{"a": 1}')
BARE = "owner='o' space='s' uuid='u' name='n'"

fitting = st.text(st.characters(blacklist_categories=("Cc", "Cs")), max_size=50).filter(
    lambda text: "\ufffe" not in text and "\uffff" not in text
)
names = fitting.filter(bool)
marks = st.builds(Mark, owner=names, space=names, uuid=names, name=names, facts=fitting)


class MarkTests(SynchronousTestCase):
    @given(marks)
    def test_round_trip(self, mark: Mark) -> None:
        """Any mark comes back from its XML as it went in."""
        self.assertEqual(mark, read_mark(mark_xml(mark)))

    def test_bare(self) -> None:
        """libvirt gives the element without its namespace, which it was asked for by."""
        self.assertEqual("o", read_mark(f"<machine {BARE}>facts</machine>").owner)

    def test_hostile(self) -> None:
        """What is no mark is a ValueError, whatever else it is."""
        deep = 40_000
        for xml in (
            "",
            "nonsense",
            "<machine",
            "\x00",
            "\ud800",
            "<machine/>",
            f"<machine {BARE} more='x'/>",
            f"<machine {BARE}><child/></machine>",
            "<machine owner='' space='s' uuid='u' name='n'/>",
            "<machine owner='a&#9;b' space='s' uuid='u' name='n'/>",
            f"<other {BARE}/>",
            f"<x:machine xmlns:x='urn:other' {BARE}/>",
            f"<!DOCTYPE machine [<!ENTITY a 'b'>]><machine {BARE}>&a;</machine>",
            f"<machine {BARE}><![CDATA[a]]></machine>",
            f"<machine {BARE}>{'x' * MAX_LENGTH}</machine>",
            "<a>" * deep + "</a>" * deep,
        ):
            self.assertRaises(ValueError, read_mark, xml)

    @given(st.text())
    def test_any_text(self, xml: str) -> None:
        """No text raises anything else."""
        with contextlib.suppress(ValueError):
            read_mark(xml)

    def test_unfit(self) -> None:
        """Text that XML would change or cannot hold is refused with its place."""
        for text in ("a\nb", "a\tb", "a\x00b", "a\x7fb", "a\x85b", "a\ud800b", "a\uffffb"):
            error = self.assertRaises(ValueError, fit, text, "name")
            self.assertIn("character 2 is U+", str(error))
            self.assertRaises(ValueError, mark_xml, evolve(MARK, facts=text))
            self.assertRaises(ValueError, mark_xml, evolve(MARK, owner=text))

    def test_long(self) -> None:
        """A mark that could not be read back is not written."""
        self.assertRaises(ValueError, mark_xml, evolve(MARK, facts="x" * MAX_LENGTH))

    def test_namespace(self) -> None:
        """The element is in Vcycle's own namespace."""
        self.assertIn(f'xmlns:vcycle="{NAMESPACE}"', mark_xml(MARK))
