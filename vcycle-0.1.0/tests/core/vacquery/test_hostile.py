"""Whatever comes as a datagram, there is a message or a MalformedQuery."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.vacquery.test_decode import told
from tests.core.vacquery.vectors import DIRECTORY, vector
from vcycle.core.errors import MalformedQuery
from vcycle.core.vacquery.decode import decode_answer, decode_query
from vcycle.core.vacquery.encode import encode_answer
from vcycle.core.vacquery.messages import MAX_ANSWER, MAX_QUERY, MAX_SENT, Query

VECTORS = sorted(path.read_bytes() for path in DIRECTORY.rglob("*.json"))

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["machines_query", "machinetype_status", "factory", "a" * 300]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


def decoded(datagram: bytes) -> None:
    """Both readers read it, or say what is wrong in one short printable line."""
    for decode in (decode_query, decode_answer):
        try:
            message = decode(datagram)
        except MalformedQuery as error:
            text = str(error)
            assert text.isprintable(), text
            assert len(text) < 300, text
        else:
            if not isinstance(message, Query):
                assert len(encode_answer(message)) <= MAX_SENT


class HostileTests(SynchronousTestCase):
    @given(st.binary(max_size=300))
    @example(b"")
    @example(b"\xff\xfe{\x00}\x00")
    @example(b"\xef\xbb\xbf{}")
    @example(b"5")
    @example(b"null")
    @example(b"[" * 1000)
    @example(b"[" * 10000)
    @example(b'{"a":' * 1500)
    @example(b'{"cookie":1e999,"method":"machines","space":"a"}')
    @example(b'{"cookie":' + b"9" * 900 + b',"method":"machines","space":"a"}')
    @example(b'{"running_hs06":' + b"9" * 9000 + b',"message_type":"machinetype_status"}')
    def test_any_bytes(self, datagram: bytes) -> None:
        """Any bytes are a message or malformed."""
        decoded(datagram)

    @given(json_values)
    def test_any_json(self, value: Any) -> None:
        """Any JSON is a message or malformed."""
        decoded(json.dumps(value).encode())

    @given(st.sampled_from(VECTORS), st.data())
    def test_any_value_of_any_key(self, datagram: bytes, data: st.DataObject) -> None:
        """Any value in place of a right one is taken as its type says, or malformed."""
        try:
            message = json.loads(datagram)
        except ValueError:
            return
        if isinstance(message, dict):
            key = data.draw(st.sampled_from(sorted(message)))
            message[key] = data.draw(json_values)
            decoded(json.dumps(message).encode())

    @given(st.sampled_from(VECTORS), st.data())
    def test_damaged(self, datagram: bytes, data: st.DataObject) -> None:
        """A datagram of which bytes changed, or the end is gone, is a message or malformed."""
        changed = bytearray(datagram)
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(changed) - 1))
            changed[at] = data.draw(st.integers(0, 255))
        decoded(bytes(changed[: data.draw(st.integers(0, len(changed)))]))


class BoundsTests(SynchronousTestCase):
    def refused(self, datagram: bytes, reason: str) -> None:
        error = self.assertRaises(MalformedQuery, decode_answer, datagram)
        self.assertIn(reason, str(error))

    def test_types_and_ranges(self) -> None:
        """Each field has a type and a range, and the refusal names field and value."""
        for key, value, reason in (
            ("running_hs06", True, "running_hs06 = True: expected a number"),
            ("running_hs06", [1], "running_hs06 = [1]: expected a number"),
            ("running_hs06", 10**16, "expected a number from 0 to 1e+15"),
            ("running_machines", 4.5, "running_machines = 4.5: expected a whole number"),
            ("running_machines", -1, "running_machines = -1: expected a number from 0"),
            ("running_machines", 200_000, "expected a number from 0 to 100000"),
            ("num_before_fizzle", None, "num_before_fizzle = None: expected a value"),
            ("shutdown_time", "1767224700", "shutdown_time = '1767224700': expected a number"),
            ("shutdown_time", 17672247000, "shutdown_time = 17672247000"),
            ("shutdown_time", 1.5, "shutdown_time = 1.5: expected a whole number"),
            ("shutdown_message", 300, "shutdown_message = 300: expected text"),
            ("shutdown_message", "300 \ud800", "expected text without lone surrogates"),
            ("factory", "", "factory = '': expected a name"),
            ("factory", "a b", "factory = 'a b': expected a name"),
            ("factory", "f\u00e4ctory", "factory = 'f\\xe4ctory': expected a name"),
            ("factory", "a" * 301, "expected a name of at most 300"),
            ("space", None, "space = None: expected a name"),
            ("machinetype", {"a": 1}, "machinetype = {'a': 1}: expected a name"),
            ("cookie", "\ud800", "cookie = '\\ud800': expected plain text"),
            ("cookie", "x" * 95, "of at most 96 bytes"),
            ("cookie", '"' * 48, "of at most 96 bytes"),
            ("cookie", [], "cookie = []: expected plain text"),
        ):
            self.refused(told(**{key: value}), reason)

    def test_huge_numbers(self) -> None:
        """Numbers that no computer needs are refused, however many digits they have."""
        for digits in (400, 4000, 9000):
            datagram = told(running_hs06=0).replace(
                b'"running_hs06": 0', b'"running_hs06": 1' + b"0" * digits
            )
            self.assertRaises(MalformedQuery, decode_answer, datagram)
        self.refused(told().replace(b"42.0", b"Infinity"), "Infinity is no number")
        self.refused(told().replace(b"42.0", b"1e999"), "running_hs06 = inf")

    def test_twice(self) -> None:
        """A message that says two things of one key says nothing."""
        self.refused(told().replace(b"{", b'{"factory": "other", ', 1), "a key is there twice")

    def test_sizes(self) -> None:
        """Queries and answers that are too long are not even parsed."""
        self.refused(told(x="y" * MAX_ANSWER), f"at most {MAX_ANSWER} are read")
        query = vector("machines_query-0.2") + b" " * MAX_QUERY
        error = self.assertRaises(MalformedQuery, decode_query, query)
        self.assertIn(f"at most {MAX_QUERY} are read", str(error))
        self.assertIsNotNone(decode_answer(told(x="y" * 5000)))

    def test_depth(self) -> None:
        """What is nested deeply is refused, be it under a key that we do not know."""
        nested: Any = 1
        for _ in range(20):
            nested = [nested]
        self.refused(told(x=nested), "nested deeper than")
        deep = b'{"x":' + b"[" * 5000 + b"]" * 5000 + b"}"
        self.assertRaises(MalformedQuery, decode_answer, deep)
