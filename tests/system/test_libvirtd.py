"""libvirtd killed, hung and started anew beneath a daemon and its guests."""

from __future__ import annotations

import signal
import socket
import time

from tests.system.case import BOOTS, FACTORY, SPACE
from tests.system.domains import pids
from tests.system.lives import BEATS
from tests.system.systemcase import OnSystem
from vcycle.core.machine import Record
from vcycle.core.vacquery.encode import encode_query
from vcycle.core.vacquery.messages import Kind, Query

LOST = "no answer from the provider"
BACK = "the provider answers again"
# libvirt's keep-alive, and the cycle that is told by it.
NOTICED = 60.0


class LibvirtdTests(OnSystem):
    restart_needed = True
    vacquery_port = 9952

    def setUp(self) -> None:
        super().setUp()
        self.configure(
            self.space(total_machines=2),
            self.working("beats", BEATS, fizzle_seconds=1),
        )

    def _both_beat(self) -> list[Record]:
        def both() -> list[Record] | None:
            living = self.daemon.living()
            beating = [r for r in living if time.time() - self.daemon.beaten(r) < 10]
            return beating if len(beating) == 2 else None

        found: list[Record] = self.daemon.until("two guests beat", both, 2 * BOOTS)
        return found

    def _goes_on_beating(self, records: list[Record]) -> None:
        before = {record.uuid: self.daemon.beaten(record) for record in records}

        def later() -> bool:
            return all(self.daemon.beaten(r) > before[r.uuid] for r in records)

        self.daemon.until("guests go on beating", later, 30.0)

    def test_killed(self) -> None:
        """SIGKILL of libvirtd and a new one: the same guests, and no operator is needed."""
        self.daemon.start()
        records = self._both_beat()
        before = pids()
        self.libvirtd.kill()
        self.daemon.until("it is said", lambda: self.daemon.lines(LOST), NOTICED)
        self._goes_on_beating(records)
        self.assertEqual(before, pids())
        word = "does not answer"
        self.assertIn(word, " ".join(self.daemon.space(SPACE)["problems"]))
        time.sleep(5)
        self.assertEqual(1, len(self.daemon.lines(LOST)), self.daemon.told())
        self.libvirtd.start()
        self.daemon.until("it is said", lambda: self.daemon.lines(BACK), NOTICED)
        self.daemon.until("all is well", lambda: not self.daemon.space(SPACE)["problems"], 30.0)
        self._goes_on_beating(records)
        self.assertEqual(before, pids())
        self.assertEqual({r.uuid for r in records}, {r.uuid for r in self.daemon.records()})
        # The new connection hears of ends as the old one did.
        gone = records[0]
        before[gone.uuid].send(signal.SIGKILL)
        self.daemon.until("a successor", lambda: len(self.daemon.records()) == 3, 30.0)
        self.assertLess(self.daemon.stop(), 10.0)
        self.assertIn(records[1].uuid, pids())

    def _asked(self) -> bytes:
        """What the daemon answers when another factory asks how it is."""
        question = encode_query(Query(kind=Kind.FACTORY, space=SPACE, cookie="how"))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(5.0)
            asker.sendto(question, ("127.0.0.1", self.vacquery_port))
            return asker.recv(2048)

    def test_hung(self) -> None:
        """
        libvirtd hangs: guests are served, the daemon answers, says so once, asks for nothing,
        and ends within ten seconds of SIGTERM; later all goes on with the same guests.
        """
        self.daemon.start()
        records = self._both_beat()
        before = pids()
        self.libvirtd.send(signal.SIGSTOP)
        try:
            self.daemon.until("it is said", lambda: self.daemon.lines(LOST), NOTICED)
            self._goes_on_beating(records)
            began = time.monotonic()
            self.assertIsNotNone(self.daemon.status())
            self.assertIn(FACTORY.encode(), self._asked())
            self.assertLess(time.monotonic() - began, 1.0)
            # A machine vanishes while nobody can tell: it is not replaced on a guess.
            gone, stays = records
            before[gone.uuid].send(signal.SIGKILL)
            time.sleep(6)
            self.assertEqual(2, len(self.daemon.records()), self.daemon.told())
            self.assertEqual(1, len(self.daemon.lines(LOST)), self.daemon.told())
            print(f"\nSIGTERM while libvirtd hangs: {self.daemon.stop():.2f} s")
            self.daemon.start()
            self.daemon.until("it starts and says so", lambda: self.daemon.lines(LOST)[1:], NOTICED)
            self._goes_on_beating([stays])
        finally:
            self.libvirtd.send(signal.SIGCONT)
        self.daemon.until("a successor", lambda: len(self.daemon.records()) == 3, NOTICED)
        self.daemon.until("two run", lambda: len(pids()) == 2, BOOTS)
        self._goes_on_beating([stays])
        self.assertEqual(before[stays.uuid], pids()[stays.uuid])
        self.assertEqual([], self.daemon.lines("is destroyed"))


del OnSystem
