"""Tests for vcycle.core.vacquery.decode: all that the family says is understood."""

from __future__ import annotations

import json
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.core.vacquery.vectors import COOKIE, NOW, PILOT, RUNNING, SPACE, vector
from vcycle.core.errors import MalformedQuery
from vcycle.core.vacquery.decode import decode_answer, decode_query
from vcycle.core.vacquery.messages import (
    FactoryStatus,
    Kind,
    MachineStatus,
    MachinetypeStatus,
    Query,
    age,
    expected,
)
from vcycle.core.vacquery.wire import AHEAD_SECONDS

QUERIES = {
    "machines_query-0.2": Kind.MACHINES,
    "machines_query-0.3": Kind.MACHINES,
    "machines_query-01.03": Kind.MACHINES,
    "machinetypes_query-0.2": Kind.MACHINETYPES,
    "machinetypes_query-0.3": Kind.MACHINETYPES,
    "machinetypes_query-01.03": Kind.MACHINETYPES,
    "factories_query-0.2": Kind.FACTORY,
    "factories_query-0.3": Kind.FACTORY,
    "factory_query-01.03": Kind.FACTORY,
}
ANSWERS = {
    "machinetype_response-0.2": MachinetypeStatus,
    "machinetype_response-0.3": MachinetypeStatus,
    "machinetype_response-0.4": MachinetypeStatus,
    "machinetype_status-01.00": MachinetypeStatus,
    "machinetype_status-01.03-abort": MachinetypeStatus,
    "machinetype_status-01.03-neverran": MachinetypeStatus,
    "machinetype_status-01.03-running": MachinetypeStatus,
    "machinetype_status-universal": MachinetypeStatus,
    "machine_status-01.03-empty": MachineStatus,
    "machine_status-01.03-running": MachineStatus,
    "machine_status-01.03-shutdown": MachineStatus,
    "machine_status-01.03-starting": MachineStatus,
    "factory_status-01.03": FactoryStatus,
    "factory_status-2.0-draft": FactoryStatus,
    "vacmon-factory_status-unsolicited": FactoryStatus,
    "vacmon-machine_status-finished": MachineStatus,
    "vacmon-machinetype_status-unsolicited": MachinetypeStatus,
}


def told(**changes: Any) -> bytes:
    """The machinetype answer that all versions can read, with changes; ... takes a key away."""
    message = {**json.loads(vector("machinetype_status-universal")), **changes}
    return json.dumps({key: value for key, value in message.items() if value is not ...}).encode()


class QueryTests(SynchronousTestCase):
    def test_versions(self) -> None:
        """Queries of all versions since 0.2 are understood."""
        for name, kind in QUERIES.items():
            self.assertEqual(
                Query(kind=kind, space=SPACE, cookie=COOKIE), decode_query(vector(name)), name
            )

    def test_selectors_differ(self) -> None:
        """Of two selectors that differ machines win over machinetypes, and these over factories."""
        for message_type, method, kind in (
            ("machines_query", "factories", Kind.MACHINES),
            ("factory_query", "machines", Kind.MACHINES),
            ("factory_query", "machinetypes", Kind.MACHINETYPES),
            ("machinetypes_query", "factories", Kind.MACHINETYPES),
            ("unheard-of", "factories", Kind.FACTORY),
            (["machines_query"], "factories", Kind.FACTORY),
        ):
            query = {"message_type": message_type, "method": method, "space": "a", "cookie": "b"}
            self.assertEqual(kind, decode_query(json.dumps(query).encode()).kind, query)

    def test_cookies(self) -> None:
        """A cookie may be any short text or number, and comes back as it was."""
        for cookie in ("", "0", 'a "b" \\c', 17, -1.5, True, None, "x" * 94):
            query = {"method": "machines", "space": "a", "cookie": cookie}
            self.assertEqual(cookie, decode_query(json.dumps(query).encode()).cookie)

    def test_unknown_keys(self) -> None:
        """What we do not know is no reason to refuse what we do."""
        query = {"method": "machines", "space": "a", "cookie": "b", "x": [{"y": [1]}], "z": None}
        self.assertEqual(Kind.MACHINES, decode_query(json.dumps(query).encode()).kind)


class AnswerTests(SynchronousTestCase):
    def test_versions(self) -> None:
        """Answers of all versions since 0.2 are understood."""
        for name, kind in ANSWERS.items():
            answer = decode_answer(vector(name))
            self.assertIsInstance(answer, kind, name)
            self.assertEqual("factory1.example.com", answer.factory)
            self.assertEqual(NOW, answer.time_sent)

    def test_machinetype(self) -> None:
        """A machinetype's answer is read in full, whatever its keys were called."""
        self.assertEqual(PILOT, decode_answer(vector("machinetype_status-universal")))
        self.assertEqual(PILOT, decode_answer(vector("machinetype_status-01.03-running")))
        old = evolve(
            PILOT,
            num_machinetypes=1,
            daemon_version="Vac 00.20.00",
            vacquery_version="VacQuery 0.2",
            running_processors=None,
            bytes_per_processor=None,
            max_wallclock_seconds=None,
            max_processors=None,
        )
        self.assertEqual(old, decode_answer(vector("machinetype_response-0.2")))

    def test_machine(self) -> None:
        """A machine's answer is read in full; an unused slot has neither machinetype nor times."""
        self.assertEqual(RUNNING, decode_answer(vector("machine_status-01.03-running")))
        empty = decode_answer(vector("machine_status-01.03-empty"))
        assert isinstance(empty, MachineStatus)
        self.assertEqual(
            ("Shut down", None, None, 0),
            (empty.state, empty.machinetype, empty.created_time, empty.num_processors),
        )

    def test_vmtype(self) -> None:
        """The oldest name of a machinetype is understood."""
        message = json.loads(vector("machine_status-01.03-running"))
        message["vmtype"] = message.pop("machinetype")
        self.assertEqual(RUNNING, decode_answer(json.dumps(message).encode()))

    def test_factory(self) -> None:
        """A factory's answer is the same under the new names alone as with the old ones."""
        long, short = (
            decode_answer(vector(name))
            for name in ("factory_status-01.03", "factory_status-2.0-draft")
        )
        self.assertEqual(long, short)
        assert isinstance(long, FactoryStatus)
        self.assertEqual(
            (12, 32, 336.0), (long.running_processors, long.max_machines, long.max_hs06)
        )
        self.assertEqual((812345678, 11.87), (long.daemon_disk_avail_kb, long.load_average))

    def test_expected(self) -> None:
        """Each answer says how many there are."""
        self.assertEqual((2, 4), (expected(PILOT), expected(RUNNING)))
        self.assertEqual(1, expected(decode_answer(vector("factory_status-01.03"))))

    def test_numbers(self) -> None:
        """Whole numbers may be written as floats, and counts of processors be broken."""
        answer = decode_answer(told(running_machines=4.0, running_processors=3.5))
        assert isinstance(answer, MachinetypeStatus)
        self.assertEqual((4, 3.5), (answer.running_machines, answer.running_processors))

    def test_sanitised(self) -> None:
        """Texts become one printable line of bounded length; an empty one is none."""
        for said, read in (
            (
                "300 line one\nFeb 30 00:00:00 [1]: forged",
                "300 line one Feb 30 00:00:00 [1]: forged",
            ),
            ("300 \x1b[2J\u202etxt", "300 ?[2J?txt"),
            ("x" * 5000, "x" * 200),
            ("  ", None),
            ("300 pr\u00eat", "300 pr\u00eat"),
        ):
            answer = decode_answer(told(shutdown_message=said))
            assert isinstance(answer, MachinetypeStatus)
            self.assertEqual(read, answer.shutdown_message)
        self.assertIsNone(_fqan(vector("negative/vacmon-empty-fqan")))

    def test_capitals(self) -> None:
        """A factory's name is told as it was written."""
        answer = decode_answer(vector("negative/response-factory-case-differs"))
        self.assertEqual("Factory1.example.com", answer.factory)


def _fqan(datagram: bytes) -> str | None:
    answer = decode_answer(datagram)
    assert isinstance(answer, MachinetypeStatus)
    return answer.fqan


class NegativeTests(SynchronousTestCase):
    def test_queries(self) -> None:
        """What is no query is refused, and the reason is told."""
        for name, reason in (
            ("negative/not-json", "not JSON"),
            ("negative/json-but-list", "list where an object is expected"),
            ("negative/query-no-cookie", "cookie is not there"),
            ("negative/query-unknown-type", "message_type = 'reboot_query'"),
            ("status_query-prevacquery", "message_type = 'status'"),
            ("cookie-recipe", "message_type = None"),
        ):
            error = self.assertRaises(MalformedQuery, decode_query, vector(name))
            self.assertIn(reason, str(error))

    def test_answers(self) -> None:
        """What is no answer is refused, and field and value are told."""
        for name, reason in (
            ("negative/not-json", "not JSON"),
            ("negative/response-huge-num_machinetypes", "num_machinetypes = 1000000000"),
            ("negative/response-future-shutdown_time", "shutdown_time = 2082585600"),
            ("negative/response-missing-shutdown_machine", "shutdown_machine is not there"),
            ("negative/response-nan-running_hs06", "NaN is no number"),
            ("negative/response-negative-running_hs06", "running_hs06 = -1000000.0"),
            ("negative/response-string-running_hs06", "running_hs06 = '42'"),
            ("status_response-prevacquery", "message_type = 'status'"),
            ("machines_query-0.3", "message_type = 'machines_query'"),
        ):
            error = self.assertRaises(MalformedQuery, decode_answer, vector(name))
            self.assertIn(reason, str(error))

    def test_for_the_reader(self) -> None:
        """What only its reader can judge is decoded: cookie, machinetype."""
        for name in ("wrong-cookie", "undeclared-machinetype", "null-shutdown_time-with-abort"):
            self.assertIsInstance(
                decode_answer(vector(f"negative/response-{name}")), MachinetypeStatus
            )

    def test_to_come(self) -> None:
        """What has happened is not to come, by the sender's clock, but for a few seconds."""
        good = json.loads(vector("negative/response-future-shutdown_time"))
        for ahead, taken in ((-86400, True), (AHEAD_SECONDS, True), (AHEAD_SECONDS + 1, False)):
            good["shutdown_time"] = good["time_sent"] + ahead
            datagram = json.dumps(good).encode("ascii")
            if taken:
                decode_answer(datagram)
            else:
                error = self.assertRaises(MalformedQuery, decode_answer, datagram)
                self.assertIn("no later than time_sent", str(error))
        del good["time_sent"]
        decode_answer(json.dumps(good).encode("ascii"))


class AgeTests(SynchronousTestCase):
    def test_by_the_senders_clock(self) -> None:
        """An age is by the sender's clock alone, and without that by ours; never negative."""
        self.assertEqual(60, age(1000, 1060, now=9999.0))
        self.assertEqual(8999.0, age(1000, None, now=9999.0))
        self.assertEqual(0, age(1000, 900, now=9999.0))
