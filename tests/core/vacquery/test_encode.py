"""Tests for vcycle.core.vacquery.encode: what we send, all versions can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.core.vacquery.vectors import PILOT, RUNNING, vector
from vcycle.core.vacquery.decode import decode_answer, decode_query
from vcycle.core.vacquery.encode import MAX_SIGNATURE, encode_answer, encode_query
from vcycle.core.vacquery.messages import (
    MAX_SENT,
    FactoryStatus,
    Kind,
    MachineStatus,
    MachinetypeStatus,
    Query,
)
from vcycle.core.vacquery.secret import sign

NEEDS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "machinetype_status": {
        "0.2": frozenset({"method", "total_hs06", "num_machinetypes", "num_before_fizzle"}),
        "0.4": frozenset({"message_type", "total_hs06", "shutdown_message", "shutdown_time"}),
        "01.03": frozenset({"message_type", "running_hs06", "shutdown_machine", "machinetype"}),
    },
    "machine_status": {
        "0.2": frozenset({"method", "num_machines", "machine", "machinetype"}),
        "01.03": frozenset(
            {
                *("message_type", "state", "uuid", "created_time", "started_time"),
                *("heartbeat_time", "cpu_seconds", "cpu_percentage", "hs06", "shutdown_time"),
                *("shutdown_message", "num_cpus"),
            }
        ),
    },
    "factory_status": {
        "0.2": frozenset({"method", "total_machines"}),
        "01.03": frozenset(
            {
                *("running_cpus", "total_cpus", "running_machines", "total_machines"),
                *("load_average", "root_disk_avail_kb", "vac_disk_avail_kb", "mem_used_kb"),
                *("mem_total_kb", "vac_version", "message_type"),
            }
        ),
    },
}
"""Without these a reader of that version takes nothing from an answer, or fails."""

HOST = decode_answer(vector("factory_status-01.03"))
assert isinstance(HOST, FactoryStatus), "as its name says"
ANSWERS = (PILOT, RUNNING, HOST)

LABEL = "x" * 60
LONGEST = ".".join([LABEL, LABEL, LABEL, LABEL, "example9"])
names = st.sampled_from(["a", "factory1.example.com", LONGEST])
texts = st.none() | st.text(max_size=300)
cookies = st.sampled_from(["0", "e" * 64, "=" * 94, 7])


def read(datagram: bytes) -> dict[str, Any]:
    message = json.loads(datagram)
    assert isinstance(message, dict)
    return message


class QueryTests(SynchronousTestCase):
    def test_round(self) -> None:
        """A query carries both selectors, so that all versions answer it, and is read again."""
        for kind in Kind:
            query = Query(kind=kind, space="a.test", cookie="c")
            datagram = encode_query(query, "vcycle-command")
            self.assertEqual(query, decode_query(datagram))
            message = read(datagram)
            self.assertEqual({"message_type", "method"} - set(message), set())
            self.assertRegex(message["vac_version"], "^Vcycle [^ ]+ vcycle-command$")
        self.assertEqual("factories", message["method"])


class AnswerTests(SynchronousTestCase):
    def test_round(self) -> None:
        """What is written is read again as it was."""
        for answer in ANSWERS:
            self.assertEqual(answer, decode_answer(encode_answer(answer)))

    def test_all_versions(self) -> None:
        """An answer has what readers of each version look for."""
        for answer in ANSWERS:
            message = read(encode_answer(answer))
            for version, keys in NEEDS[message["message_type"]].items():
                self.assertEqual(frozenset(), keys - set(message), version)

    def test_absent(self) -> None:
        """Of what is not known there is no key where receivers fail on null or on empty text."""
        for fqan in (None, ""):
            message = read(encode_answer(evolve(PILOT, fqan=fqan, site=None, max_processors=None)))
            self.assertEqual(set(), {"fqan", "site", "max_processors"} & set(message))
        message = read(encode_answer(evolve(PILOT, shutdown_message=None, shutdown_time=None)))
        self.assertEqual((None, None), (message["shutdown_message"], message["shutdown_time"]))

    def test_decimals(self) -> None:
        """Numbers have at most two decimals."""
        message = read(encode_answer(evolve(PILOT, running_hs06=1 / 3)))
        self.assertEqual((0.33, 0.33), (message["running_hs06"], message["total_hs06"]))

    def test_ascii(self) -> None:
        """Texts leave as ASCII, as one printable line."""
        datagram = encode_answer(evolve(PILOT, shutdown_message="300 pr\u00eat\n\ud800 \x1b"))
        self.assertTrue(datagram.isascii())
        answer = decode_answer(datagram)
        assert isinstance(answer, MachinetypeStatus)
        self.assertEqual("300 pr\u00eat ? ?", answer.shutdown_message)

    def test_message_gives_way(self) -> None:
        """Where not all fits the message gives way before anything else; its code stays."""
        long = "300 " + "\N{SNOWMAN}" * 196
        answer = decode_answer(encode_answer(evolve(PILOT, shutdown_message=long)))
        assert isinstance(answer, MachinetypeStatus)
        assert answer.shutdown_message is not None
        self.assertTrue(long.startswith(answer.shutdown_message))
        self.assertGreater(len(answer.shutdown_message), 19)
        self.assertEqual(PILOT, evolve(answer, shutdown_message=PILOT.shutdown_message))

    @given(names, names, texts, names, cookies)
    def test_machinetype_fits(
        self, space: str, factory: str, said: str | None, site: str, cookie: str
    ) -> None:
        """A machinetype's answer fits one datagram, signed, whatever is legal in it."""
        answer = evolve(
            PILOT,
            space=space,
            factory=factory,
            machinetype="m" * 64,
            shutdown_message=said,
            shutdown_machine=f"{factory[:60]}-123456{factory[60:]}",
            site=site,
            cookie=cookie,
            fqan="/" * 250,
            running_hs06=123456789.12,
            num_machinetypes=10_000,
        )
        self.fits(answer)

    @given(names, names, texts, cookies)
    def test_machine_fits(self, space: str, factory: str, said: str | None, cookie: str) -> None:
        """A machine's answer fits one datagram, signed, whatever is legal in it."""
        answer = evolve(
            RUNNING,
            space=space,
            factory=factory,
            machine=f"{factory[:60]}-123456{factory[60:]}",
            machinetype="m" * 64,
            shutdown_message=said,
            site=space,
            cookie=cookie,
            fqan="/" * 250,
            cpu_seconds=10**9,
            shutdown_time=10**10 - 1,
            time_sent=10**10 - 1,
        )
        self.fits(answer)

    @given(names, names, texts, cookies)
    def test_factory_fits(self, space: str, factory: str, text: str | None, cookie: str) -> None:
        """A factory's answer fits one datagram, signed, whatever is legal in it."""
        assert isinstance(HOST, FactoryStatus)
        answer = evolve(
            HOST,
            space=space,
            factory=factory,
            site=space,
            os_issue=text,
            kernel_version=text,
            cookie=cookie,
            daemon_disk_avail_kb=10**15,
            root_disk_avail_kb=10**15,
        )
        self.fits(answer)

    def fits(self, answer: MachineStatus | MachinetypeStatus | FactoryStatus) -> None:
        datagram = encode_answer(answer)
        signed = sign(datagram, b"secret" * 4, 1e10)
        self.assertLessEqual(len(signed), MAX_SENT)
        self.assertLessEqual(len(signed) - len(datagram), MAX_SIGNATURE)
        again = decode_answer(signed)
        for name in ("cookie", "space", "factory"):
            self.assertEqual(getattr(answer, name), getattr(again, name))
        message = read(datagram)
        for keys in NEEDS[message["message_type"]].values():
            self.assertEqual(frozenset(), keys - set(message) - {"vac_version"})
