"""Tests for how commands reach factories: names, sockets, and what is in the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.responding import SPACE, answering, machine, running, serve, status
from vcycle.commands.choosing import Chosen
from vcycle.commands.datagrams import Datagrams
from vcycle.commands.querying import gather
from vcycle.commands.resolving import Resolved, resolve
from vcycle.commands.signing import verified
from vcycle.core.errors import MalformedQuery
from vcycle.core.vacquery.encode import encode_answer
from vcycle.core.vacquery.messages import Kind, Query

NAME = "factory1.example.com"
BOTH = (Kind.MACHINES, Kind.FACTORY)


class ResolvingTests(SynchronousTestCase):
    def test_names(self) -> None:
        """Names become all their addresses; addresses stay what they are."""
        found = resolve(["127.0.0.9", "a.example.com"], 995, 20.0, lambda _: ("127.0.0.1", "::x"))
        self.assertEqual(
            {
                "127.0.0.9": (("127.0.0.9", 995),),
                "a.example.com": (("127.0.0.1", 995), ("::x", 995)),
            },
            found.addresses,
        )
        self.assertEqual({}, found.unknown)

    def test_unknown(self) -> None:
        """A name without addresses is told with the name service's reason; others are not lost."""

        def ask(name: str) -> tuple[str, ...]:
            if name.startswith("no"):
                raise OSError(-2, "Name or service not known")
            return ("127.0.0.1",) if name.startswith("yes") else ()

        found = resolve(
            [f"{word}{n}.example.com" for word in ("no", "yes", "empty") for n in range(50)],
            1,
            20.0,
            ask,
        )
        self.assertEqual((50, 100), (len(found.addresses), len(found.unknown)))
        self.assertEqual(
            "its name is not known: Name or service not known", found.unknown["no7.example.com"]
        )
        self.assertIn("no IPv4 address", found.unknown["empty7.example.com"])

    def test_hangs(self) -> None:
        """A name service that never answers is not waited for, and others are known."""
        hung = threading.Event()
        self.addCleanup(hung.set)

        def ask(name: str) -> tuple[str, ...]:
            if name == "hangs.example.com":
                hung.wait(60)
            return ("127.0.0.1",)

        found = resolve(["hangs.example.com", "a.example.com"], 1, 0.3, ask)
        self.assertEqual(["a.example.com"], list(found.addresses))
        self.assertEqual(
            {"hangs.example.com": "its name was not resolved within 0.3 s"}, found.unknown
        )


class DatagramsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.datagrams = Datagrams()
        self.addCleanup(self.datagrams.close)

    def test_refused(self) -> None:
        """That nobody listens is found out, address by address, and stops nothing else."""
        other = Datagrams()
        self.addCleanup(other.close)
        self.assertIsNone(other.send((b"x", ("127.0.3.9", 9))))
        for port in (9, 10):
            self.assertIsNone(self.datagrams.send((b"x", ("127.0.3.9", port))))
        self.assertEqual([], list(self.datagrams.received()))
        self.assertEqual({("127.0.3.9", 9), ("127.0.3.9", 10)}, set(self.datagrams.refused))
        self.assertIn("nobody listens", self.datagrams.refused["127.0.3.9", 9])

    def test_cannot(self) -> None:
        """What the system does not send is told at once."""
        self.assertIsNotNone(self.datagrams.send((b"x", ("255.255.255.255", 9))))

    def test_window(self) -> None:
        """As many answers may be under way as the buffer surely holds."""
        self.assertGreaterEqual(self.datagrams.window, 90)


class GatherTests(SynchronousTestCase):
    def gather(
        self, port: int, *addresses: str, seconds: float = 20.0, names: tuple[str, ...] = (NAME,)
    ) -> tuple[dict[str, str], list[str]]:
        """Who is unreachable, and which machines were told of."""

        def known(names: Collection[str], port: int, seconds: float) -> Resolved:
            return Resolved(addresses={name: tuple((a, port) for a in addresses) for name in names})

        chosen = Chosen(space=SPACE, factories=names, port=port, seconds=seconds)
        gathered = gather(chosen, BOTH, resolve=known)
        return dict(gathered.unreachable), [told.machine for told in gathered.machines]

    def test_lost(self) -> None:
        """What is lost on the way is asked for again."""
        seen: list[Query] = []
        whole = answering([running(NAME, "00"), machine(NAME, "01"), status(NAME)])

        def lossy(query: Query) -> list[bytes]:
            seen.append(query)
            answers = list(whole(query))
            return answers[:1] if len(seen) > 2 and query.kind is Kind.MACHINES else answers[1:]

        port = serve(self, {"127.0.3.20": lossy}).port
        unreachable, machines = self.gather(port, "127.0.3.20", seconds=1.0)
        self.assertEqual(["factory1-00.example.com", "factory1-01.example.com"], sorted(machines))
        self.assertEqual([NAME], list(unreachable))

    def test_status_once(self) -> None:
        """A factory whose machines are told only when it is asked again is one factory."""
        asked: list[Kind] = []
        whole = answering([running(NAME, "00"), status(NAME)])

        def late(query: Query) -> list[bytes]:
            asked.append(query.kind)
            early = query.kind is Kind.MACHINES and asked.count(Kind.MACHINES) < 3
            return [] if early else list(whole(query))

        port = serve(self, {"127.0.3.27": late}).port

        def known(names: Collection[str], port: int, seconds: float) -> Resolved:
            return Resolved(addresses={NAME: (("127.0.3.27", port),)})

        chosen = Chosen(space=SPACE, factories=(NAME,), port=port, seconds=5.0)
        gathered = gather(chosen, BOTH, resolve=known)
        self.assertGreater(asked.count(Kind.FACTORY), 1)
        self.assertEqual((1, 1), (len(gathered.machines), len(gathered.factories)))

    def test_several_addresses(self) -> None:
        """Of a factory with several addresses one that answers is enough."""
        port = serve(self, {"127.0.3.21": answering([running(NAME, "00"), status(NAME)])}).port
        unreachable, machines = self.gather(port, "127.0.3.22", "127.0.3.21", seconds=2.0)
        self.assertEqual(({}, ["factory1-00.example.com"]), (unreachable, machines))

    def test_many(self) -> None:
        """A factory with very many slots tells of all of them."""
        answers = [running(NAME, f"{slot:03}") for slot in range(700)]
        port = serve(self, {"127.0.3.23": answering([*answers, status(NAME)])}).port
        unreachable, machines = self.gather(port, "127.0.3.23")
        self.assertEqual(({}, 700), (unreachable, len(machines)))

    def test_not_of_others(self) -> None:
        """Nobody can answer in another's name, from another address."""

        def forging(query: Query) -> list[bytes]:
            return [encode_answer(evolve(running(NAME, "66"), cookie=query.cookie))]

        port = serve(self, {"127.0.3.24": lambda query: (), "127.0.3.25": forging}).port

        def known(names: Collection[str], port: int, seconds: float) -> Resolved:
            return Resolved(
                addresses={
                    NAME: (("127.0.3.24", port),),
                    "evil.example.com": (("127.0.3.25", port),),
                }
            )

        chosen = Chosen(space=SPACE, factories=(NAME, "evil.example.com"), port=port, seconds=0.2)
        self.assertEqual([], gather(chosen, BOTH, resolve=known).machines)

    def test_endless(self) -> None:
        """A host that never stops sending does not keep anybody longer than allowed."""
        sent = threading.Event()

        def endless(query: Query) -> object:
            until = time.monotonic() + 2.0
            while time.monotonic() < until and not sent.is_set():
                yield b"x" * 100

        port = serve(self, {"127.0.3.26": endless}).port  # type: ignore[dict-item]
        self.addCleanup(sent.set)
        begun = time.monotonic()
        unreachable, machines = self.gather(port, "127.0.3.26", seconds=0.3)
        self.assertLess(time.monotonic() - begun, 1.5)
        self.assertIn("no answer", unreachable[NAME])


class SigningTests(SynchronousTestCase):
    def test_only_signed(self) -> None:
        """Where only signed answers count, one without a signature is none."""
        datagram = encode_answer(evolve(status(NAME), cookie="c"))
        self.assertEqual(NAME, verified(b"0123456789abcdef", False)(datagram).factory)
        self.assertRaises(MalformedQuery, verified(b"0123456789abcdef", True), datagram)
