"""How machines live and end: the same on each of libvirt's drivers."""

from __future__ import annotations

import statistics
import time

from tests.system.case import BOOTS, SPACE, SystemCase
from tests.system.domains import pids
from vcycle.core.machine import Outcome, Record

# Two that differ, made by substitution.
WHO = "echo '##user_data_machine_hostname## ##user_data_uuid## {word}' | put who\n"
WELL = "heartbeat\nshutdown_message 200 Success\n"
BEATS = "while :; do put heartbeat < /proc/uptime; sleep 2; done\n"


class Lives(SystemCase):
    """Stories of machines; on a driver named by a subclass."""

    def test_works_and_ends(self) -> None:
        """
        Guests boot, take each its own user_data, beat, say how they end and power off; the end
        is seen by an event, and the successor asked for within a second of it.
        """
        # No cycle comes by itself in this test: all but the first are woken by events.
        self.configure(
            self.space(cycle_seconds=3600, total_machines=2),
            self.working("left", WHO.format(word="left") + WELL, heartbeat_file="heartbeat"),
            self.working("right", WHO.format(word="right") + WELL),
        )
        self.daemon.start()
        gone: dict[str, float] = {}
        seen: dict[str, bool] = {}

        def enough() -> bool:
            living = set(pids(self.within))
            now = time.time()
            for uuid in living:
                seen[uuid] = True
            for uuid in seen:
                if uuid not in living:
                    gone.setdefault(uuid, now)
            records = self.daemon.records()
            return len([r for r in records if r.ended_at is not None]) >= 4 and len(records) >= 6

        self.daemon.until("four machines have ended and have successors", enough, 3 * BOOTS, 0.02)
        records = self.daemon.records()
        ended = [record for record in records if record.ended_at is not None]
        for record in ended:
            self.assertIs(Outcome.COMPLETED, record.outcome, self.daemon.told())
            self.assertEqual("200 Success", record.message)
            who = self.daemon.output(record, "who")
            self.assertEqual(
                f"{record.name} {record.uuid} {record.machinetype}", (who or "").strip()
            )
            self.assertGreater(self.daemon.beaten(record), record.requested_at)
            self.assertIn(f"user_data of {record.name}", self._delivered(record))
        self.assertEqual({"left", "right"}, {record.machinetype for record in ended})
        from_event, from_process = [], []
        for record in ended:
            after = next(
                (r for r in records[records.index(record) + 1 :] if r.slot == record.slot), None
            )
            if after is not None and record.uuid in gone and record.ended_at is not None:
                from_event.append(after.requested_at - record.ended_at)
                from_process.append(after.requested_at - gone[record.uuid])
        self.assertGreaterEqual(len(from_event), 3, self.daemon.told())
        print(f"\n{type(self).__name__}: seconds to a successor's request")
        print("  from libvirt's event:", ", ".join(f"{delay:.2f}" for delay in from_event))
        print("  from its process's end:", ", ".join(f"{delay:.2f}" for delay in from_process))
        self.assertLess(statistics.median(from_event), 1.0, from_event)

    def _delivered(self, record: Record) -> str:
        """Which machine the user_data on disk, as it was delivered, speaks of."""
        text = (self.daemon.directory(record) / "user_data").read_text("utf-8")
        return f"user_data of {record.name}" if record.uuid in text else text

    def test_hangs(self) -> None:
        """
        A guest that ceases to beat is destroyed at its heartbeat limit, one that never ends at
        its wall clock limit; one that goes on beating is left alone.
        """
        self.configure(
            self.space(total_machines=3, processors_per_superslot=1),
            self.working(
                "silent",
                "heartbeat\nsleep 100000\n",
                heartbeat_file="heartbeat",
                heartbeat_seconds=10,
                fizzle_seconds=45,
            ),
            self.working("endless", BEATS, max_wallclock_seconds=40),
            self.working(
                "faithful",
                BEATS,
                heartbeat_file="heartbeat",
                heartbeat_seconds=20,
                fizzle_seconds=45,
            ),
        )
        self.daemon.start()
        silent = self._first_ended("silent")
        self.assertIs(Outcome.SILENT, silent.outcome, self.daemon.told())
        self.assertEqual("700 Heartbeat file not updated", silent.message)
        endless = self._first_ended("endless")
        self.assertIs(Outcome.OVERTIME, endless.outcome, self.daemon.told())
        for record in (silent, endless):
            self.assertNotIn(record.uuid, pids(self.within))
        assert endless.ended_at is not None
        late = endless.ended_at - endless.shutdown_time
        self.assertTrue(0 <= late < 10, f"destroyed {late:.1f} s after its time was over")
        faithful = [r for r in self.daemon.living() if r.machinetype == "faithful"]
        self.assertEqual([], self.daemon.ended("faithful"), self.daemon.told())
        self.assertIn(faithful[0].uuid, pids(self.within))

    def _first_ended(self, machinetype: str) -> Record:
        found = self.daemon.until(
            f"a machine of {machinetype} is over", lambda: self.daemon.ended(machinetype), 2 * BOOTS
        )
        assert isinstance(found[0], Record)
        return found[0]

    def test_bad_user_data(self) -> None:
        """
        Machines that die without a word are backed off, then tried one scout at a time; when
        the script is mended the scout proves it, and more follow.
        """
        self.configure(
            self.space(total_machines=2),
            self.working("broken", "exit 1\n", fizzle_seconds=30, backoff_seconds=5),
            self.working("absent", WELL, user_data=self.place / "nowhere.sh"),
        )
        self.daemon.start()

        def three() -> bool:
            return len(self.daemon.ended("broken")) >= 4

        self.daemon.until("two at once, then two scouts have fizzled", three, 4 * BOOTS)
        word, reason = self.daemon.verdict(SPACE, "absent")
        self.assertEqual("not-ready", word)
        self.assertIn(str(self.place / "nowhere.sh"), reason)
        records = [r for r in self.daemon.records() if r.machinetype == "broken"]
        first = min(record.ended_at or 0.0 for record in records if record.ended_at)
        scouts = [record for record in records if record.requested_at > first]
        ends = sorted(record.ended_at for record in records if record.ended_at is not None)
        self.assertGreaterEqual(len(scouts), 2)
        for scout in scouts:
            before = [end for end in ends if end <= scout.requested_at]
            self.assertGreaterEqual(scout.requested_at - before[-1], 5.0)
            beside = [
                r
                for r in scouts
                if r != scout
                and r.requested_at <= scout.requested_at
                and (r.ended_at or 1e12) > scout.requested_at
            ]
            self.assertEqual([], beside, "two scouts at once")
        for record in records:
            if record.ended_at is not None:
                self.assertIs(Outcome.FIZZLED, record.outcome)
        self.assertEqual({"broken"}, {record.machinetype for record in self.daemon.records()})
        (self.place / "broken.sh").write_text("#!/bin/sh\n" + WELL, "utf-8")

        def proven() -> bool:
            living = self.daemon.living()
            done = [r for r in self.daemon.ended("broken") if r.outcome is Outcome.COMPLETED]
            return bool(done) and len(living) == 2

        self.daemon.until("a scout ended well, and two are there again", proven, 4 * BOOTS)
