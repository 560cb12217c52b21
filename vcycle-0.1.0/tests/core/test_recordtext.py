"""Tests for vcycle.core.recordtext."""

from __future__ import annotations

import json
import math
from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis.strategies import (
    SearchStrategy,
    booleans,
    builds,
    dictionaries,
    floats,
    from_regex,
    integers,
    ip_addresses,
    lists,
    none,
    one_of,
    recursive,
    sampled_from,
    text,
    uuids,
)
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.fieldchecks import MAX_FREE_TEXT
from vcycle.core.machine import Doom, Limits, Model, Outcome, Record
from vcycle.core.recordtext import MAX_TEXT, VERSION, decode, encode

times = floats(min_value=-1e11, max_value=1e11)
amounts = floats(min_value=0, max_value=1e9)
seconds = integers(0, 10**10)
names = from_regex(r"[0-9A-Za-z][0-9A-Za-z.-]{0,40}", fullmatch=True)


def maybe(values: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return one_of(none(), values)


records = builds(
    Record,
    uuid=uuids().map(str),
    name=names,
    slot=integers(-1, 10**6),
    space=names,
    factory=names,
    machinetype=from_regex(r"[0-9a-z-]{1,30}", fullmatch=True),
    model=sampled_from(Model),
    processors=integers(1, 10**6),
    memory_mb=integers(0, 10**9),
    limits=builds(
        Limits,
        fizzle_seconds=seconds,
        max_wallclock_seconds=seconds,
        heartbeat_file=maybe(from_regex(r"[0-9A-Za-z_-][0-9A-Za-z._-]{0,20}", fullmatch=True)),
        heartbeat_seconds=seconds,
    ),
    secret=from_regex(r"[!-~]{1,64}", fullmatch=True),
    requested_at=times,
    born=integers(-(10**11), 10**11),
    shutdown_time=times,
    address=maybe(ip_addresses().map(str)),
    mac=maybe(from_regex(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", fullmatch=True)),
    site=maybe(text()),
    hs06_per_processor=maybe(amounts),
    accounting_fqan=maybe(text()),
    keep_days=floats(min_value=-1e9, max_value=1e9),
    started_at=maybe(times),
    seen_at=maybe(times),
    cpu_seconds=amounts,
    cpu_percentage=amounts,
    missing_since=maybe(times),
    doom=maybe(builds(Doom, outcome=sampled_from(Outcome), text=text(), since=times)),
    ended_at=maybe(times),
    outcome=maybe(sampled_from(Outcome)),
    message=maybe(text()),
    abort=booleans(),
    clock=integers(0, 10**9),
)
json_values = recursive(
    one_of(none(), booleans(), integers(), floats(), text()),
    lambda inner: one_of(lists(inner, max_size=3), dictionaries(text(), inner, max_size=3)),
    max_leaves=6,
)
RECORD = Record(
    uuid="8f3d4d40-013d-422a-b550-d6ea29f6e357",
    name="factory1-00.example.com",
    slot=0,
    space="vac01.example.com",
    factory="factory1.example.com",
    machinetype="example-vm",
    model=Model.VM_RAW,
    processors=1,
    memory_mb=2048,
    limits=Limits(fizzle_seconds=600, max_wallclock_seconds=86400),
    secret="only-ours",
    requested_at=1700000000.25,
    born=1700000000,
    shutdown_time=1700086400.0,
)


def changed(**values: object) -> str:
    """The text of RECORD, with some values replaced; ... takes one out."""
    data = {**json.loads(encode(RECORD)), **values}
    return json.dumps({name: value for name, value in data.items() if value is not ...})


class RecordTextTests(SynchronousTestCase):
    @given(records)
    def test_round_trip(self, record: Record) -> None:
        """Every record comes back equal, and its text is one ASCII line of a JSON object."""
        line = encode(record)
        self.assertEqual(record, decode(line))
        self.assertTrue(line.isascii())
        self.assertEqual(line.find("\n"), len(line) - 1)
        data = json.loads(line)
        self.assertEqual(VERSION, data["version"])
        self.assertEqual(sorted(data), list(data))

    @given(text())
    def test_any_text(self, line: str) -> None:
        """Text that is no record is refused in no other way than by ValueError."""
        self.refused(line)

    @given(sampled_from(sorted(json.loads(encode(RECORD)))), json_values)
    @settings(max_examples=400)
    def test_any_value(self, name: str, value: object) -> None:
        """With any value in any place, a record is refused, or is one that encodes again."""
        try:
            record = decode(changed(**{name: value}))
        except ValueError:
            return
        self.assertEqual(record, decode(encode(record)))

    def test_refusals(self) -> None:
        """Each row: a change to a good record, and the words that tell what was wrong."""
        rows: list[tuple[dict[str, object], str]] = [
            ({"uuid": "u-1"}, "uuid is 'u-1', wanted a uuid"),
            ({"uuid": RECORD.uuid + "\n"}, "wanted a uuid"),
            ({"name": "../../etc"}, "name is '../../etc'"),
            ({"name": "a_b"}, "wanted a machine's name"),
            ({"space": ".."}, "space is '..'"),
            ({"machinetype": "A/b"}, "machinetype"),
            ({"processors": 0}, "whole number from 1"),
            ({"processors": True}, "processors is True"),
            ({"processors": 1.0}, "processors is 1.0"),
            ({"requested_at": "now"}, "requested_at is 'now', wanted a number"),
            ({"requested_at": 1e300}, "requested_at"),
            ({"requested_at": None}, "requested_at is None"),
            ({"requested_at": ...}, "requested_at is missing"),
            ({"model": "docker"}, "one of cernvm3, cernvm4, vm-raw, vm-direct"),
            ({"model": ["vm-raw"]}, "model is a JSON list"),
            ({"outcome": "fine"}, "outcome is 'fine'"),
            ({"abort": 1}, "true or false"),
            ({"address": "300.1.1.1"}, "IP address"),
            ({"mac": "52-54"}, "six pairs"),
            ({"limits": ...}, "limits is None"),
            ({"limits": {}}, "limits: fizzle_seconds is missing"),
            ({"limits": [1]}, "limits is a JSON list"),
            (
                {
                    "limits": {
                        "fizzle_seconds": 1,
                        "max_wallclock_seconds": 1,
                        "heartbeat_file": "../x",
                    }
                },
                "heartbeat_file is '../x'",
            ),
            ({"doom": {"text": "x", "since": 0}}, "doom: outcome is missing"),
            ({"doom": 5}, "doom is 5"),
            ({"version": 2}, "version 2, this Vcycle reads version 1"),
            ({"version": True}, "version True"),
            ({"version": ...}, "version None"),
        ]
        for values, words in rows:
            self.assertIn(words, self.refused(changed(**values)))

    def test_hostile_numbers(self) -> None:
        """Infinities, what is no number, and endless digits are refused."""
        for spelling in ("NaN", "Infinity", "-Infinity", "1e999", "9" * 5000, "-1e99"):
            line = changed(cpu_seconds=0).replace('"cpu_seconds": 0', f'"cpu_seconds": {spelling}')
            self.refused(line)

    def test_hostile_shapes(self) -> None:
        """Depth, length and other JSON are refused with a reason."""
        self.assertIn("deep", self.refused("[" * 200_000))
        self.assertIn("longer", self.refused(" " * (MAX_TEXT + 1)))
        self.assertIn("not a JSON object", self.refused("[]"))
        self.assertIn("not JSON", self.refused('{"version": 1'))

    def test_secret_is_not_told(self) -> None:
        """A refused secret is not part of the message."""
        self.assertNotIn("blank", self.refused(changed(secret="a blank")))

    def test_later_keys(self) -> None:
        """Keys of a later version of the same number are left out; optional ones may lack."""
        self.assertEqual(RECORD, decode(changed(colour="blue", doom=..., site=..., clock=...)))

    def test_encode_refuses(self) -> None:
        """What could not be read back is never written."""
        for record in (evolve(RECORD, name="a/b"), evolve(RECORD, started_at=math.nan)):
            with self.assertRaises(ValueError):
                encode(record)

    def test_free_text_is_clipped(self) -> None:
        """No length of a message or of a reason prevents a save."""
        long = "\U0001f600" * (MAX_FREE_TEXT + 1)
        doom = Doom(outcome=Outcome.ABORTED, text=long, since=0.0)
        got = decode(
            encode(evolve(RECORD, doom=doom, message=long, site=long, accounting_fqan=long))
        )
        self.assertEqual(evolve(doom, text=long[:-1]), got.doom)
        self.assertEqual(long[:-1], got.message)

    def refused(self, line: str) -> str:
        with self.assertRaises(ValueError) as caught:
            decode(line)
        return str(caught.exception)
