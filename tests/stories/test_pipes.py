"""Stories of vacuum pipes: machinetypes that somebody else describes, changes, and takes away."""

from __future__ import annotations

import json
from collections.abc import Mapping

from twisted.trial.unittest import SynchronousTestCase

from tests.stories.drought import LONGEST_WORK, SHORTEST_WORK, off
from tests.stories.space import HOUR, SimulatedSpace
from tests.stories.space import works as finds_work
from tests.stories.world import Guest, World, machinetype, settings, works
from vcycle.core.config.build import read
from vcycle.core.machine import Outcome

URL = "https://pipes.example.com/exvo.pipe"
PIPE = f"[vacuum_pipe exvo]\nvacuum_pipe_url = {URL}\ntarget_share = {{}}\n"
PIPE += "root_image = /images/exvo.img\n"
LIFE = 4 * HOUR
BEATING: dict[str, object] = {
    "heartbeat_file": "heartbeat",
    "heartbeat_seconds": 900,
    "accounting_fqan": "/exvo/Role=production",
}


def document(more: Mapping[str, object] = BEATING, **shares: float) -> bytes:
    """A document of machinetypes by their suffixes, with their shares, and ``more`` options."""
    items = [
        {
            "suffix": suffix,
            "target_share": share,
            "machine_model": "vm-raw",
            "root_image": "https://images.example.com/exvo.img",
            "backoff_seconds": 600,
            "fizzle_seconds": 600,
            "max_wallclock_seconds": 86400,
            **more,
        }
        for suffix, share in shares.items()
    ]
    return json.dumps({"machinetypes": items}).encode("ascii")


class SharesTests(SynchronousTestCase):
    def test_space(self) -> None:
        """
        A machinetype of the factory's own and two of a pipe's have their shares of a space, the
        pipe's as its owner divides them: 3:2:1 of six factories, within 2 %.
        """
        text = settings(processors=8) + machinetype("own", 6) + PIPE.format(6)
        body = document({}, prod=20, mcore=10)
        [configured] = read([("a", text)], "factory1.example.com", {URL: body}).spaces.values()
        machinetypes = configured.machinetypes
        shares = {name: each.target_share for name, each in machinetypes.items()}
        self.assertEqual({"own": 6.0, "exvo-prod": 4.0, "exvo-mcore": 2.0}, shares)
        space = SimulatedSpace(
            {name: finds_work(SHORTEST_WORK, LONGEST_WORK) for name in machinetypes}
        )
        space.add(6, machinetypes.values(), total_processors=8)
        space.advance(12 * HOUR)
        self.assertEqual([], list(off(space.shares(24 * HOUR), shares)))


class VanishedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.beating = True
        self.world = World(settings() + PIPE.format(1), documents={URL: document(a=1, b=1)})
        self.world.lives = {"exvo-a": self.beats, "exvo-b": self.beats}
        self.world.boot().advance(HOUR)
        self.assertEqual(4, len(self.world.living("exvo-a")))

    def beats(self, guest: Guest) -> None:
        """A life that beats as long as it may."""

        def beat() -> None:
            if self.beating:
                guest.put("heartbeat", "beat")
                guest.after(300.0, beat)

        beat()
        works(LIFE)(guest)

    def goes_on(self) -> None:
        """What was exvo-a's lives to its end under its records, and nothing new starts."""
        before = {record.uuid for record in self.world.living("exvo-a")}
        self.world.advance(2 * HOUR)
        self.assertEqual(before, {record.uuid for record in self.world.living("exvo-a")})
        self.world.advance(2 * HOUR)
        self.assertEqual([], self.world.living("exvo-a"))
        over = self.world.over("exvo-a")
        self.assertEqual(before, {record.uuid for record in over})
        for record in over:
            self.assertEqual(Outcome.COMPLETED, record.outcome)
            self.assertEqual("200 Success", record.message)
            self.assertEqual("/exvo/Role=production", record.accounting_fqan)
            self.assertLess(abs((record.ended_at or 0) - record.born - LIFE), 120)

    def test_machinetype(self) -> None:
        """A machinetype that its pipe's owner takes away drains; the others take its place."""
        self.world.documents[URL] = document(b=1)
        self.goes_on()
        self.assertEqual(8, len(self.world.living("exvo-b")))

    def test_all(self) -> None:
        """So do all of them, if all are taken away."""
        self.world.documents[URL] = document()
        self.goes_on()
        self.assertEqual([], self.world.living())

    def test_pipe(self) -> None:
        """And if the pipe itself is no longer configured."""
        self.world.configure(settings() + machinetype())
        self.goes_on()
        self.assertEqual(8, len(self.world.living()))

    def test_restart(self) -> None:
        """A daemon that starts without the document supervises what was started with it."""
        self.world.kill()
        self.world.documents.clear()
        self.world.boot()
        self.goes_on()
        self.assertEqual([], self.world.living())

    def test_heartbeat(self) -> None:
        """Its machines have to go on beating: the limits are those they were made with."""
        self.world.documents[URL] = document(b=1)
        self.beating = False
        self.world.advance(HOUR)
        self.assertEqual([], self.world.living("exvo-a"))
        outcomes = {record.outcome for record in self.world.over("exvo-a")}
        self.assertEqual({Outcome.SILENT}, outcomes)

    def test_back(self) -> None:
        """One that comes back starts machines again."""
        self.world.documents[URL] = document(b=1)
        self.goes_on()
        self.world.documents[URL] = document(a=1, b=1)
        self.world.advance(5 * HOUR)
        self.assertEqual(4, len(self.world.living("exvo-a")))
