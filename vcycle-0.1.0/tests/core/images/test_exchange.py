"""Tests for vcycle.core.images.exchange."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.errors import FetchError
from vcycle.core.images.exchange import (
    Aim,
    Content,
    Part,
    Question,
    Unchanged,
    Useless,
    Validators,
    ask,
    understand,
    validators_of,
)
from vcycle.core.images.httpdate import seconds_of

DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
LATER = "Tue, 14 Nov 2023 22:14:20 GMT"
ETAG = Validators(etag='"1"')
WEAK = Validators(etag='W/"1"')
DATED = Validators(last_modified=DATE, dated=True)
FRESH = Validators(last_modified=DATE)


def part(size: int = 40, validators: Validators = ETAG, length: int | None = 100) -> Part:
    return Part(size=size, length=length, validators=validators)


class AskTests(SynchronousTestCase):
    def test_ask(self) -> None:
        """Each row: what is here, and what is asked."""
        unless = {"If-None-Match": '"1"'}
        for known, here, aim, headers in [
            (None, None, Aim.ALL, {}),
            (Validators(), None, Aim.ALL, {}),
            (ETAG, None, Aim.NEWER, unless),
            (DATED, None, Aim.NEWER, {"If-Modified-Since": DATE}),
            (ETAG, part(), Aim.REST, {"Range": "bytes=40-", "If-Range": '"1"'}),
            (None, part(validators=DATED), Aim.REST, {"Range": "bytes=40-", "If-Range": DATE}),
            (ETAG, part(validators=WEAK), Aim.NEWER, unless),
            (None, part(validators=FRESH), Aim.ALL, {}),
            (None, part(0), Aim.ALL, {}),
            (DATED, part(100), Aim.STILL, unless),
            (None, part(100, Validators()), Aim.ALL, {}),
        ]:
            self.assertEqual(Question(aim=aim, headers=headers), ask(known, here))


class UnderstandTests(SynchronousTestCase):
    def answer(
        self, aim: Aim, status: int, headers: dict[str, str] | None = None, length: int = 60
    ) -> Unchanged | Content | Useless | None:
        """What an answer to a question about a part of 40 of 100 means; None if it is refused."""
        question = Question(aim=aim, headers={})
        try:
            return understand(question, part(), status, headers or {}, length)
        except FetchError:
            return None

    def test_unchanged(self) -> None:
        """304 is an answer only to who asked for a change."""
        for aim in Aim:
            expected = Unchanged() if aim in (Aim.NEWER, Aim.STILL) else None
            self.assertEqual(expected, self.answer(aim, 304))

    def test_content(self) -> None:
        """200 is all of it, whatever was asked; nothing else ever becomes content."""
        for aim in Aim:
            found = self.answer(aim, 200, {"etag": '"2"'})
            self.assertEqual(Content(offset=0, length=60, validators=Validators(etag='"2"')), found)
            for status in (100, 201, 203, 204, 205, 300, 400, 401, 403, 404, 410, 500, 503, 999):
                self.assertIsNone(self.answer(aim, status))

    def test_rest(self) -> None:
        """Each row: a 206, and whether it is exactly what is missing."""
        good = {"content-range": "bytes 40-99/100", "etag": '"1"'}
        self.assertEqual(
            Content(offset=40, length=100, validators=ETAG), self.answer(Aim.REST, 206, good)
        )
        for headers, length in [
            ({**good, "content-range": "bytes 0-99/100"}, 100),
            ({**good, "content-range": "bytes 40-98/100"}, 59),
            ({**good, "content-range": "bytes 40-99/101"}, 60),
            ({**good, "content-range": "bytes 40-99"}, 60),
            ({**good, "content-range": "bytes 41-99/100"}, 59),
            ({**good, "etag": '"2"'}, 60),
            (good, 59),
        ]:
            self.assertEqual(Useless(), self.answer(Aim.REST, 206, headers, length), headers)
        for aim in (Aim.ALL, Aim.NEWER, Aim.STILL):
            self.assertIsNone(self.answer(aim, 206, good))

    def test_no_rest(self) -> None:
        """A server that cannot continue is asked for all."""
        for status in (412, 416):
            self.assertEqual(Useless(), self.answer(Aim.REST, status))
            self.assertIsNone(self.answer(Aim.ALL, status))

    def test_encoded(self) -> None:
        """What is compressed though it should not be is refused: its digest would be another's."""
        self.assertIsNone(self.answer(Aim.ALL, 200, {"content-encoding": "gzip"}))
        self.assertIsNotNone(self.answer(Aim.ALL, 200, {"content-encoding": "identity"}))

    @given(
        st.sampled_from(list(Aim)),
        st.integers(0, 999),
        st.dictionaries(
            st.sampled_from(["etag", "date", "last-modified", "content-range"]), st.text()
        ),
        st.none() | st.integers(0, 200),
    )
    @settings(max_examples=200, deadline=None)
    def test_hostile(
        self, aim: Aim, status: int, headers: dict[str, str], length: int | None
    ) -> None:
        """Whatever a server says is content, no change, of no use, or a FetchError."""
        try:
            found = understand(Question(aim=aim, headers={}), part(), status, headers, length)
        except FetchError:
            return
        if isinstance(found, Content):
            self.assertIn(status, (200, 206))
            self.assertIn(found.offset, (0, 40))


class ValidatorsTests(SynchronousTestCase):
    def test_validators(self) -> None:
        """Each row: headers, and what they are worth."""
        for headers, expected in [
            ({"etag": '"1"'}, ETAG),
            ({"etag": 'W/"1"'}, WEAK),
            ({"etag": "1"}, Validators()),
            ({"etag": '"' + "x" * 600 + '"'}, Validators()),
            ({"etag": '"\n"'}, Validators()),
            ({"last-modified": DATE, "date": LATER}, DATED),
            ({"last-modified": DATE, "date": DATE}, FRESH),
            ({"last-modified": DATE}, FRESH),
            ({"last-modified": "yesterday"}, Validators()),
        ]:
            self.assertEqual(expected, validators_of(headers), headers)

    def test_strong(self) -> None:
        """Only a strong ETag, or an old date where there is no ETag, proves that bytes match."""
        self.assertEqual(['"1"', None, DATE, None], [v.strong for v in (ETAG, WEAK, DATED, FRESH)])
        both = Validators(etag='W/"1"', last_modified=DATE, dated=True)
        self.assertIsNone(both.strong)

    def test_dates(self) -> None:
        """Dates of HTTP, and what is none."""
        self.assertEqual(1_700_000_000, seconds_of(DATE))
        for text in (
            "",
            "Tue, 31 Feb 2023 22:13:20 GMT",
            "Tue, 14 Nov 2023 22:13:20 CET",
            "x" * 99,
        ):
            self.assertIsNone(seconds_of(text))
