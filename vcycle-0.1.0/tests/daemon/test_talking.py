"""Tests for vcycle.daemon.talking: what leaves the daemon, and that no cycle waits for it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol
from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.peers import SECOND, THIRD, report
from tests.core.values import FACTORY, NOW, ended, machinetype, running, space
from tests.daemon.spoken import listening
from tests.inplace import in_place
from tests.vacquery.factories import PORT, Ground
from vcycle.core.config.model import Settings
from vcycle.core.machine import State
from vcycle.core.observation import Reviewed
from vcycle.core.snapshot import Snapshot
from vcycle.core.vacquery.facts import FactoryFacts
from vcycle.daemon.talking import CENSUS_SECONDS, Talking
from vcycle.vacquery.names import Names

VACMON = "vacmon.example.com"
SPACE = space(
    machinetype("pilot"),
    machinetype("other", accounting_fqan="/exvo"),
    factories=(FACTORY, SECOND, THIRD),
    udp_timeout_seconds=5.0,
    vacmon_hostport=((VACMON, 8884),),
)


class Receiver(DatagramProtocol):
    """Keeps what comes, as objects."""

    noisy = False

    def __init__(self) -> None:
        self.heard: list[Mapping[str, Any]] = []

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.heard.append(json.loads(datagram))

    @property
    def types(self) -> list[str]:
        return [message["message_type"] for message in self.heard]


class TalkingCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.ground = Ground()
        self.network = self.ground.network
        self.root = os.path.abspath(self.mktemp())
        self.known: dict[str, set[str]] = {}
        reactor: Any = self.network
        self.talking = Talking(
            reactor,
            Settings(
                state_dir=self.root, vacquery_port=PORT, vacquery_interface="", monitor_port=0
            ),
            in_thread=in_place,
            clock=self.ground.wall,
            look=lambda snapshot: FactoryFacts(processors=8, load_average=1.5),
            know=self.known.__setitem__,
            names=Names(self.network, in_place, self.ground.look_up),
        )
        self.talking.startService()
        self.receiver = Receiver()
        self.network.listenUDP(8884, self.receiver, interface=self.ground.look_up(VACMON)[0])

    def pass_time(self, seconds: float) -> None:
        self.network.pump([0.01] * round(seconds / 0.01))

    def snapshot(self, **changes: Any) -> Snapshot:
        wanted: dict[str, Any] = {
            "space": SPACE,
            "taken_at": NOW,
            "machines": (Reviewed(record=running(0), state=State.RUNNING),),
            "processors_limit": 8,
        }
        return Snapshot(**{**wanted, **changes})


class AskTests(TalkingCase):
    def test_peers(self) -> None:
        """A regular cycle asks the others; the responder learns whom it may answer."""
        self.ground.tell(SECOND, report())
        self.ground.tell(THIRD)
        found, seconds = self.ground.run(self.talking.look_around(SPACE, False))
        self.assertEqual({SECOND, THIRD}, found.alive)
        self.assertLess(seconds, 1.0)
        names = (FACTORY, SECOND, THIRD)
        addresses = {address for name in names for address in self.ground.look_up(name)}
        self.assertEqual({SPACE.name: addresses}, self.known)

    def test_early(self) -> None:
        """An early one sends nothing at all."""
        _, seconds = self.ground.run(self.talking.look_around(SPACE, True))
        self.assertEqual((0.0, []), (seconds, self.ground.lookups[1:]))

    def test_hush(self) -> None:
        """When the daemon stops, a cycle that waits for answers goes on at once."""
        with listening():
            waiting = Deferred.fromCoroutine(self.talking.look_around(SPACE, False))
            self.pass_time(0.5)
            self.assertNoResult(waiting)
            self.talking.hush()
            self.assertEqual({SECOND, THIRD}, set(self.successResultOf(waiting).silent))

    def test_secret(self) -> None:
        """A secret that cannot be read keeps the daemon from asking, and it says so."""
        of = evolve(SPACE, vacquery_secret_file="/nowhere/secret")
        with listening() as said:
            self.ground.run(self.talking.look_around(of, False))
        self.assertIn("nobody is asked: vacquery_secret_file /nowhere/secret: ", said[0])


class StatusTests(TalkingCase):
    def test_each_cycle(self) -> None:
        """The factory and each machinetype are told, with the cookie of what nobody asked for."""
        self.talking.publish(self.snapshot())
        self.pass_time(1.0)
        self.assertEqual(
            ["factory_status", "machinetype_status", "machinetype_status"], self.receiver.types
        )
        for message in self.receiver.heard:
            self.assertEqual("0", message["cookie"])
            self.assertEqual((SPACE.name, FACTORY), (message["space"], message["factory"]))
            self.assertEqual(int(NOW), message["time_sent"])
            self.assertTrue(message["daemon_version"].startswith("Vcycle "))
        factory, pilot, other = self.receiver.heard
        self.assertEqual((8, 1.5), (factory["max_processors"], factory["load_average"]))
        self.assertEqual(1, pilot["running_machines"])
        self.assertNotIn("fqan", pilot)
        self.assertEqual("/exvo", other["fqan"])

    def test_early_cycles(self) -> None:
        """However many cycles there are, no more is told than in regular ones."""
        for _ in range(12):
            self.talking.publish(self.snapshot())
            self.pass_time(10.0)
        self.assertEqual(2, self.receiver.types.count("factory_status"))

    def test_end(self) -> None:
        """A machine that is over is told as that, with its last message."""
        over = ended(3, message="300 Nothing to do", ended_at=NOW - 5)
        self.talking.ended(SPACE, over)
        self.pass_time(1.0)
        [message] = self.receiver.heard
        self.assertEqual("machine_status", message["message_type"])
        self.assertEqual(
            ("0", "Shut down", "300 Nothing to do", int(NOW - 5)),
            tuple(message[key] for key in ("cookie", "state", "shutdown_message", "shutdown_time")),
        )
        self.assertEqual((over.uuid, over.name), (message["uuid"], message["machine"]))
        self.assertNotIn("fqan", message)

    def test_nobody(self) -> None:
        """Without receivers nothing is sent to anybody: there is no home to phone."""
        alone = evolve(SPACE, vacmon_hostport=(), factories=())
        self.talking.publish(self.snapshot(space=alone))
        self.talking.ended(alone, ended(3))
        self.pass_time(1.0)
        self.assertEqual([], self.receiver.heard)
        self.assertEqual(1, len(self.network.ports))

    def test_unknown_receiver(self) -> None:
        """A receiver that cannot be reached is told of once, and harms nobody."""

        def look_up(name: str) -> tuple[str, ...]:
            raise OSError(-2, "Name or service not known")

        names = Names(self.network, in_place, look_up)
        reactor: Any = self.network
        talking = Talking(
            reactor,
            Settings(state_dir=self.root, vacquery_port=0, vacquery_interface="", monitor_port=0),
            in_thread=in_place,
            clock=self.ground.wall,
            look=lambda snapshot: FactoryFacts(),
            know=self.known.__setitem__,
            names=names,
        )
        with listening() as said:
            for _ in range(4):
                talking.publish(self.snapshot())
                self.pass_time(60.0)
        reached = [line for line in said if "status messages do not reach" in line]
        self.assertEqual(1, len(reached), said)
        self.assertIn("Name or service not known", reached[0])


class CensusTests(TalkingCase):
    def entries(self) -> dict[str, Any]:
        directory = os.path.join(self.root, "spaces", SPACE.name, "space-census")
        found: dict[str, Any] = {}
        for name in os.listdir(directory):
            with open(os.path.join(directory, name), encoding="ascii") as file:
                found[name] = json.load(file)
        return found

    def test_hourly(self) -> None:
        """Each hour all factories of the space are counted, our own included."""
        self.ground.tell(SECOND, report())
        with listening():
            self.talking.publish(self.snapshot())
            self.pass_time(6.0)
            entries = self.entries()
            self.assertEqual({FACTORY, SECOND}, set(entries))
            self.assertEqual(
                {("factory_status", "0")},
                {(entry["message_type"], entry["cookie"]) for entry in entries.values()},
            )
            self.assertEqual(8, entries[FACTORY]["max_processors"])
            self.ground.tell(THIRD)
            self.talking.publish(self.snapshot())
            self.pass_time(6.0)
            self.assertNotIn(THIRD, self.entries())
            self.network.advance(CENSUS_SECONDS)
            self.talking.publish(self.snapshot())
            self.pass_time(1.0)
        self.assertEqual({FACTORY, SECOND, THIRD}, set(self.entries()))

    def test_no_disk(self) -> None:
        """A census that cannot be kept is told of once."""
        with open(self.root, "w"):
            pass
        self.ground.tell(SECOND)
        self.ground.tell(THIRD)
        with listening() as said:
            for _ in range(3):
                self.talking.publish(self.snapshot())
                self.pass_time(1.0)
                self.network.advance(CENSUS_SECONDS)
        self.assertEqual(1, len([line for line in said if "the census is not kept" in line]))

    def test_stop(self) -> None:
        """The end leaves no timer and no socket."""
        self.talking.publish(self.snapshot())
        self.pass_time(0.5)
        with listening():
            self.successResultOf(self.talking.stopService())
            self.network.advance(0.0)
        self.assertEqual([], self.network.getDelayedCalls())
        self.assertEqual(1, len(self.network.ports))
