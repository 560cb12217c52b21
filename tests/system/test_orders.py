"""Orders to a real daemon in a process of its own, on libvirt's test driver, over its restarts."""

from __future__ import annotations

import json
import os

from tests.system.testdriver import OnTestDriver

NOBODY = 65534


class OrdersTests(OnTestDriver):
    def verdict(self) -> str:
        _, out, _ = self.vcycle("explain", "-o", "json")
        word: str = json.loads(out)["spaces"][0]["machinetypes"][0]["verdict"]
        return word

    def test_drain_outlives(self) -> None:
        """What was drained rests after kill -9 too, and goes on when its end comes."""
        self.start()
        self.until("machines are made", lambda: self.verdict() == "full")
        status, out, err = self.vcycle("drain", "atlas", "--for", "10s", "-r", "repairs")
        self.assertEqual((0, ""), (status, err))
        self.assertIn("repairs", out)
        self.kill()
        # The test driver's machines end with the daemon, so that there is room.
        self.start()
        self.assertEqual("drained", self.verdict())
        self.until("its end has come", lambda: self.verdict() in ("started", "full", "proving"))
        self.assertRegex(self.log(), r"Ordered by \S+ \(uid \d+, pid \d+\): drain atlas of all")

    def test_destroy(self) -> None:
        """A machine is destroyed, and another takes its place; the log says who ordered it."""
        self.start()
        self.until("machines are made", lambda: self.verdict() == "full")
        before = json.loads(self.vcycle("show", "factory1-01", "-o", "json")[1])["shown"]["uuid"]
        self.assertEqual(0, self.vcycle("destroy", "--yes", "factory1-01")[0])

        def replaced() -> bool:
            status, out, _ = self.vcycle("show", "factory1-01", "-o", "json")
            shown = json.loads(out)["shown"] if status == 0 else {}
            return shown.get("state") == "running" and shown["uuid"] != before

        self.until("another is there", replaced)
        self.assertIn("factory1-01.example.com (atlas) is destroyed: destroyed by ", self.log())
        self.assertEqual(0, self.vcycle("orphans")[0])

    def test_replay(self) -> None:
        """What was recorded is decided again as it was, and otherwise by another configuration."""
        self.start()
        self.until("machines are made", lambda: self.verdict() == "full")
        self.kill()
        status, out, err = self.vcycle("replay")
        self.assertEqual((0, ""), (status, err))
        self.assertIn(" 0 would differ; 3 machines were started, 3 would have been.", out)
        self.configure(2)
        status, out, _ = self.vcycle("replay")
        self.assertEqual(3, status)
        self.assertIn("atlas: starts 2 (was: starts 3)", out)

    def test_strangers(self) -> None:
        """Whoever is not in the daemon's group is told so, and nothing else."""
        self.start()
        if os.geteuid() == 0:
            under: tuple[str, ...] = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}")
            under += ("--clear-groups",)
        else:
            # Of one's own files one may take away the right.
            under = ()
            os.chmod(self.place / "s/control.sock", 0)
        status, out, err = self.vcycle("drain", under=under)
        self.assertEqual((1, ""), (status, out))
        self.assertIn("not permitted", err)
        self.assertIn("member of the group", err)
        self.assertNotIn("Ordered", self.log())

    def test_rotated(self) -> None:
        """The log goes on in a new file once somebody has renamed it."""
        self.start()
        os.rename(self.place / "vcycled-factory", self.place / "vcycled-factory.1")
        self.vcycle("drain", "-r", "afterwards")
        self.until("a new file is there", lambda: "afterwards" in self.log())
        self.assertNotIn("afterwards", (self.place / "vcycled-factory.1").read_text())


del OnTestDriver
