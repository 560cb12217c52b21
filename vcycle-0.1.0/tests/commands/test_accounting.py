"""Tests for vcycle.commands.accounting and vcycle.commands.apel_sync."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from attrs import evolve
from dirq.QueueSimple import QueueSimple
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.running import run
from tests.contracts.accounts import over
from tests.core.accounting.loader import load
from tests.inplace import in_place
from vcycle.core.accounting.places import latest_month
from vcycle.core.machine import Record
from vcycle.store.accounts import Accounts
from vcycle.store.machines import MachineStore

SPACE = "vcycle01.example.com"
FACTORY = "factory1.example.com"
HOST = f"{SPACE}/vcycle-{FACTORY}"
CONFIG = """\
[settings]
vcycle_space = {space}
factory_name = {factory}
state_dir = {state_dir}
{more}

[machinetype atlas]
target_share = 1
root_image = atlas.img
"""


class AccountingCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Path(self.mktemp()).absolute()
        self.root.mkdir()
        self.config = str(self.root / "vcycle.conf")
        self.configure("gocdb_sitename = EXAMPLE-SITE")
        self.store = MachineStore(str(self.root), SPACE, in_place)
        self.successResultOf(self.store.open())

    def configure(self, more: str) -> None:
        text = CONFIG.format(space=SPACE, factory=FACTORY, state_dir=self.root, more=more)
        Path(self.config).write_text(text, "utf-8")

    def machine(self, number: int, **changes: Any) -> Record:
        """A machine that ended in November 2023."""
        return evolve(over(number), space=SPACE, factory=FACTORY, **changes)

    def end(self, *records: Record, accounted: bool = True) -> None:
        """What the daemon does at the end of machines."""
        if accounted:
            self.successResultOf(Accounts(str(self.root), in_place).account(records))
        self.successResultOf(self.store.save(records))

    def run_sync(self, *words: str) -> tuple[int, str, str]:
        return run("apel-sync", "--config", self.config, *words)

    def verify(self, *words: str) -> tuple[int, str, str]:
        return run("accounting", "verify", "--config", self.config, *words)

    def sent(self) -> list[dict[str, str]]:
        """All that is queued, sent: the records that APEL has then."""
        spool, found = QueueSimple(str(self.root / "apel-outgoing")), []
        for name in spool:
            spool.lock(name)
            found += load(spool.get(name).decode("ascii"), time.time())
            spool.remove(name)
        return found


class SyncTests(AccountingCase):
    def test_counted(self) -> None:
        """What was queued is counted by the months of ends, and told of once each time."""
        self.end(*(self.machine(number) for number in range(3)))
        self.end(self.machine(3, gocdb=False, site="example.com"))
        self.end(self.machine(4, ended_at=1701475200.0))
        self.sent()
        status, out, err = self.run_sync("202311", "202312")
        self.assertEqual((0, ""), (status, err))
        self.assertEqual(
            f"202311: job records of {HOST} at EXAMPLE-SITE: 3\n"
            f"202312: job records of {HOST} at EXAMPLE-SITE: 1\n",
            out,
        )
        expected = {"Site": "EXAMPLE-SITE", "SubmitHost": HOST, "Year": "2023"}
        self.assertEqual(
            [
                {**expected, "Month": "11", "NumberOfJobs": "3"},
                {**expected, "Month": "12", "NumberOfJobs": "1"},
            ],
            self.sent(),
        )

    def test_default(self) -> None:
        """Without a month it is the one of yesterday; of an empty one nothing is said."""
        month = latest_month(time.time())
        self.assertEqual((0, f"{month}: no job records were queued\n", ""), self.run_sync())
        self.assertEqual([], self.sent())
        now = time.time() - 86400
        self.end(
            self.machine(1, born=int(now), requested_at=now, started_at=now - 7000, ended_at=now)
        )
        self.assertEqual(0, self.run_sync()[0])
        self.assertEqual(["1"], [one["NumberOfJobs"] for one in self.sent() if "Month" in one])

    def test_no_site(self) -> None:
        """Where gocdb_sitename is not set there is nothing to do, and that is well."""
        self.configure("")
        status, out, err = self.run_sync()
        self.assertEqual((0, ""), (status, err))
        self.assertIn("gocdb_sitename is not set", out)

    def test_other_site(self) -> None:
        """Records that were sent under another name are said, and not counted."""
        self.end(self.machine(1), self.machine(2, site="WRONG"))
        status, out, err = self.run_sync("202311")
        self.assertEqual(1, status)
        self.assertIn("at EXAMPLE-SITE: 1\n", out)
        self.assertIn("as of WRONG, not counted: 1; see vcycle accounting verify 202311", err)

    def test_wrong(self) -> None:
        """A month that is none, and a configuration that cannot be used, are said."""
        self.assertEqual(2, self.run_sync("2023")[0])
        self.configure("colour = blue")
        self.assertEqual(2, self.run_sync()[0])
        self.configure(f"state_dir = {self.root}/absent")
        self.assertIn("vcycled has not run", self.run_sync()[2])


class VerifyTests(AccountingCase):
    def test_in_order(self) -> None:
        """A month in which all agrees is one line."""
        self.end(
            *(self.machine(number) for number in range(2)), self.machine(2, ended_at=1.7e9 + 5)
        )
        self.sent()
        self.assertEqual(
            (0, "202311: job records: 2, queued of them: 2, messages that wait: 0; in order\n", ""),
            self.verify("202311"),
        )
        self.assertEqual(0, self.verify("202401")[0])

    def test_missing(self) -> None:
        """A machine that was not accounted is named, and --repair accounts it, once."""
        self.end(self.machine(1), accounted=False)
        status, out, _ = self.verify("202311")
        self.assertEqual(1, status)
        self.assertIn("machines that ended and have no job record: 1\n    factory1-01", out)
        self.assertIn("cure: vcycle accounting verify 202311 --repair", out)
        self.assertIn("written: 1\n", self.verify("202311", "--repair")[1])
        self.assertIn("written: 0\n", self.verify("202311", "--repair")[1])
        self.assertEqual(1, len(self.sent()))
        self.assertEqual(0, self.verify("202311")[0])

    def test_other_month(self) -> None:
        """A machine that was accounted with an end in another month than it has is no problem."""
        one = self.machine(1, ended_at=1701388700.0)
        self.end(one)
        self.successResultOf(self.store.save([evolve(one, ended_at=1701388801.0)]))
        self.sent()
        self.assertEqual(0, self.verify("202312")[0])

    def test_wrong_site(self) -> None:
        """
        Records that were sent under a wrong name, or not at all, are sent under the right one,
        each once, and counted then.
        """
        self.end(self.machine(1, site="WRONG"), self.machine(2, site="example.com", gocdb=False))
        self.end(self.machine(3))
        self.sent()
        status, out, _ = self.verify("202311")
        self.assertEqual(1, status)
        self.assertIn(
            f"job records of {HOST} that were sent under other names than EXAMPLE-SITE: 1", out
        )
        self.assertIn("00000001: WRONG", out)
        self.assertIn(
            f"job records of {HOST} that were not sent, as gocdb_sitename was not set: 1", out
        )
        status, out, _ = self.verify("202311", "--repair", "--site", "EXAMPLE-SITE")
        self.assertEqual(0, status, out)
        self.assertIn("job records queued as of EXAMPLE-SITE: 2;", out)
        self.assertEqual({"EXAMPLE-SITE"}, {one["Site"] for one in self.sent()})
        out = self.verify("202311", "--repair", "--site", "EXAMPLE-SITE")[1]
        self.assertIn("EXAMPLE-SITE: 0;", out)
        self.assertEqual((0, ""), self.run_sync("202311")[::2])
        self.assertEqual(["3"], [one["NumberOfJobs"] for one in self.sent()])

    def test_unknown_site(self) -> None:
        """Nothing is queued under a name that is not configured, such as one that is misspelt."""
        self.end(self.machine(1))
        status, out, err = self.verify("202311", "--repair", "--site", "EXAMPEL-SITE")
        self.assertEqual((2, ""), (status, out))
        self.assertIn("there is: EXAMPLE-SITE", err)
        self.assertEqual(1, len(self.sent()))

    def test_other_space(self) -> None:
        """Records of a space that is of another site are neither queued nor complained of."""
        self.configure(
            "gocdb_sitename = EXAMPLE-SITE\n"
            "[space two.example.com]\ngocdb_sitename = OTHER-SITE\n"
            "factory_name = factory2.example.com\n"
            "[machinetype two.example.com lhcb]\nroot_image = lhcb.img"
        )
        other = evolve(
            self.machine(2, site="OTHER-SITE"),
            space="two.example.com",
            factory="factory2.example.com",
        )
        self.successResultOf(Accounts(str(self.root), in_place).account([other]))
        self.end(self.machine(1))
        self.sent()
        status, out, _ = self.verify("202311", "--repair", "--site", "EXAMPLE-SITE")
        self.assertIn("job records queued as of EXAMPLE-SITE: 0;", out)
        self.assertEqual((0, []), (status, self.sent()))

    def test_waits_wrongly(self) -> None:
        """What waits under a name that is not configured any more is named."""
        self.end(self.machine(1, site="WRONG"))
        out = self.verify("202311")[1]
        self.assertIn("wait in apel-outgoing under another name than gocdb_sitename: 1", out)
        self.assertIn(": WRONG", out)

    def test_archive_changed(self) -> None:
        """What was lost, changed, copied, moved or damaged in the archive is found."""
        self.end(*(self.machine(number) for number in range(5)))
        self.sent()
        days = self.root / "apel-archive"
        first, second, third, fourth, fifth = sorted(days.glob("*/*"))
        first.unlink()
        second.write_text("nothing")
        third.write_text(third.read_text().replace("EndTime: 17000", "EndTime: 17001"))
        fourth.rename(fourth.parent / "00000000000000")
        (days / "20231116").mkdir()
        (days / "20231116" / fifth.name).write_text(fifth.read_text())
        (days / "20231116" / "note").write_text("")
        status, out, _ = self.verify("202311")
        self.assertEqual(1, status)
        for text in (
            "job records in apel-ledger that are not in apel-archive: 2",
            "job records in apel-archive that are not the ones of apel-ledger: 1",
            "files in apel-archive that hold no job record: 2",
            "machines with several job records in apel-archive, which APEL counts twice: 1",
            "job records in apel-archive under the wrong day or name",
        ):
            self.assertIn(text, out)

    def test_unknown(self) -> None:
        """Records that were copied into the archive are not counted, and that is said."""
        self.end(self.machine(1))
        self.sent()
        (self.root / "apel-ledger" / "202311").unlink()
        status, out, _ = self.verify("202311")
        self.assertEqual(1, status)
        self.assertIn(
            "job records in apel-archive that are not in apel-ledger, so never counted: 1", out
        )

    def test_waiting(self) -> None:
        """What waits for long, and what nobody will ever send, is found."""
        self.end(self.machine(1))
        day = next((self.root / "apel-outgoing").iterdir())
        (day / "0.5").write_text("")
        (day / "00112233445566").write_text("nothing")
        status, out, _ = self.verify("202311")
        self.assertEqual(1, status)
        self.assertIn("records that wait in apel-outgoing for over a day: 1", out)
        self.assertIn("files in apel-outgoing that are never sent, or that APEL refuses: 2", out)

    def test_many(self) -> None:
        """Of many cases ten are printed, unless all are asked for."""
        self.end(*(self.machine(number) for number in range(15)), accounted=False)
        out = self.verify("202311")[1]
        self.assertEqual(10, out.count("\n    factory1-"))
        self.assertIn("and 5 more (--all prints them)", out)
        self.assertEqual(15, self.verify("202311", "--all")[1].count("\n    factory1-"))

    def test_wrong(self) -> None:
        """Wrong words on the command line are refused, and nothing is done."""
        for words in (["2023"], ["--site", "A"], ["--repair", "--site", "none", "202311"]):
            self.end(self.machine(1))
            status, out, err = self.verify(*words)
            self.assertEqual((2, ""), (status, out), words)
            self.assertTrue(err.startswith("vcycle accounting verify: "), err)
