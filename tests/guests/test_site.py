"""Tests for vcycle.guests: what machines and strangers are answered."""

from __future__ import annotations

import json

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.guests.connection import NEIGHBOUR, OTHER, OWN, STRANGER, World
from tests.guests.sample import RECORD
from vcycle.core.quota import Quota
from vcycle.guests.bounds import Bounds

MACHINEFEATURES = b"""\
grace_secs
hs06
jobslots
log_cores
phys_cores
rack
shutdowntime
total_cpu
"""
SECRET = f"/machine/{RECORD.secret}"


class ReadingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()

    def test_own_user_data(self) -> None:
        """Each machine gets its own user_data, byte for byte, by address or by secret."""
        self.assertEqual(b"#!/bin/sh\n\xff", self.world.get("/latest/user-data", OWN).body)
        self.assertEqual(b"neighbour's", self.world.get("/latest/user-data", OTHER).body)
        own = self.world.get(f"{SECRET}/latest/user-data", STRANGER)
        self.assertEqual((200, b"#!/bin/sh\n\xff"), (own.status, own.body))

    def test_secret_goes_first(self) -> None:
        """Below a secret a caller sees that machine's tree, whatever its address."""
        reply = self.world.get(f"/machine/{NEIGHBOUR.secret}/user-data", OWN)
        self.assertEqual(b"neighbour's", reply.body)

    def test_metadata(self) -> None:
        """Documents are served with their length, as text, by a server without a version."""
        reply = self.world.get("/2009-04-04/meta-data/instance-id")
        self.assertEqual((200, RECORD.uuid.encode()), (reply.status, reply.body))
        self.assertEqual("text/plain", reply.headers["content-type"])
        self.assertEqual(str(len(RECORD.uuid)), reply.headers["content-length"])
        self.assertEqual("Vcycle", reply.headers["server"])
        self.assertEqual("close", reply.headers["connection"])

    def test_addresses_told(self) -> None:
        """A machine is told of its features below the address by which it asked."""
        for path, base in [("", "http://md"), (SECRET, f"http://md{SECRET}")]:
            meta = json.loads(self.world.get(f"{path}/latest/meta_data.json").body)["meta"]
            self.assertEqual(f"{base}/joboutputs", meta["joboutputs"])

    def test_odd_host(self) -> None:
        """A Host header that is none is not repeated."""
        head = b'GET /latest/meta_data.json HTTP/1.1\r\nHost: a"/../x\r\n\r\n'
        meta = json.loads(self.world.ask(head).body)["meta"]
        self.assertEqual("http://169.254.169.254:80/joboutputs", meta["joboutputs"])

    def test_features_base(self) -> None:
        """A fixed address of the features is told to machines known by their address."""
        world = World(features_base="http://169.254.169.253")
        meta = json.loads(world.get("/latest/meta_data.json").body)["meta"]
        self.assertEqual("http://169.254.169.253/machinefeatures", meta["machinefeatures"])

    def test_features(self) -> None:
        """Features are there one by one, and as a listing."""
        for path, body in {
            "/machinefeatures/hs06": b"84.0",
            "//machinefeatures//hs06": b"84.0",
            "/machinefeatures/rack": b"r7",
            "/machinefeatures": MACHINEFEATURES,
            "/machinefeatures/": MACHINEFEATURES,
            "/jobfeatures/job_id": RECORD.uuid.encode(),
        }.items():
            self.assertEqual(body, self.world.get(path).body, path)

    def test_heartbeats(self) -> None:
        """A machine finds its like where its user_data says; those of others it does not."""
        self.world.book.beaten[RECORD.uuid] = 1767225700.75
        own = f"/heartbeatlists/{RECORD.space}/{RECORD.machinetype}"
        line = f"1767225700 {RECORD.name} {RECORD.address}\n".encode()
        for path in (own, SECRET + own):
            reply = self.world.get(path)
            self.assertEqual((200, line), (reply.status, reply.body), path)
        for path in (
            "/heartbeatlists",
            f"/heartbeatlists/{RECORD.space}",
            f"{own}/",
            f"{own}/x",
            f"/heartbeatlists/{RECORD.space}/other",
            f"/heartbeatlists/other.example.com/{RECORD.machinetype}",
        ):
            self.assertEqual(404, self.world.get(path).status, path)
        self.assertEqual(404, self.world.get(own, STRANGER).status)

    def test_nothing_else(self) -> None:
        """All other paths are not found, and say no more than that."""
        for path in (
            "/x",
            "/machinefeatures/hs06/",
            "/machinefeatures/hs06/x",
            "/machinefeatures/nothing",
            "/machinefeatures/../jobfeatures/job_id",
            "/machinefeatures/./hs06",
            "/machinefeatures/hs06/..",
            "/machinefeatures/%68s06",
            "/machinefeatures/hs06?x=y",
            "/joboutputs",
            "/joboutputs/heartbeat",
            "/machine",
            "/machine/",
            f"/machine/{'x' * 32}/latest/user-data",
            f"http://md{SECRET}/latest/user-data",
            "*",
        ):
            reply = self.world.get(path)
            self.assertEqual((404, b"Not Found\n"), (reply.status, reply.body), path)

    def test_strangers(self) -> None:
        """Who is no machine learns nothing: each path is as if it were not there."""
        missing = self.world.get("/x", OWN)
        for path in ("/", "/latest/user-data", "/machinefeatures/hs06", "/x"):
            self.assertEqual(missing, self.world.get(path, STRANGER), path)

    def test_head(self) -> None:
        """HEAD is answered as GET would be, without the body."""
        connection = self.world.connect()
        assert connection is not None
        connection.send(b"HEAD /machinefeatures/hs06 HTTP/1.1\r\n\r\n")
        reply = connection.reply("HEAD")
        self.assertEqual((200, "4"), (reply.status, reply.headers["content-length"]))
        self.assertTrue(connection.raw.endswith(b"\r\n\r\n"))

    def test_other_methods(self) -> None:
        """There are no other methods."""
        for method in (b"POST", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"get", b"PATCH"):
            reply = self.world.ask(method + b" /latest/user-data HTTP/1.1\r\n\r\n")
            self.assertEqual(404, reply.status, method)

    def test_book_fails(self) -> None:
        """A failure of ours is a bare 500, and no error in the operator's log."""
        self.world.book.broken = RuntimeError("private")
        reply = self.world.get("/latest/user-data")
        self.assertEqual((500, b"Internal Server Error\n"), (reply.status, reply.body))
        self.assertEqual([], self.flushLoggedErrors())


class KeepingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World(bounds=Bounds(output_bytes=100000, spooled_bytes=150000))
        self.kept = self.world.book.outputs

    def test_kept(self) -> None:
        """An output is kept under its name, for the machine that sent it, and answered 201."""
        for path, address in [("/joboutputs", OWN), (f"{SECRET}/joboutputs", STRANGER)]:
            self.assertEqual(201, self.world.put(f"{path}/heartbeat", b"1\n", address).status)
            self.assertEqual({RECORD.uuid: {"heartbeat": b"1\n"}}, self.kept)
            self.kept.clear()

    def test_large(self) -> None:
        """A large output arrives whole, also in small pieces and in chunks."""
        body = bytes(range(256)) * 300
        self.assertEqual(201, self.world.put("/joboutputs/log", body).status)
        self.assertEqual(body, self.kept[RECORD.uuid]["log"])
        connection = self.world.connect()
        assert connection is not None
        head = b"PUT /joboutputs/chunks HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.send(head + b"12c00\r\n" + body + b"\r\n0\r\n\r\n", piece=997)
        self.assertEqual(201, connection.reply().status)
        self.assertEqual(body, self.kept[RECORD.uuid]["chunks"])

    def test_continue(self) -> None:
        """A client that asks first is told to go on, and only if its output may be kept."""
        head = b"PUT /joboutputs/%b HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        connection = self.world.connect()
        assert connection is not None
        connection.send(head % b"log")
        self.assertEqual(b"HTTP/1.1 100 Continue\r\n\r\n", connection.raw)
        connection.send(b"ab")
        self.assertEqual(201, connection.reply().status)
        refused = self.world.connect()
        assert refused is not None
        refused.send(head % b".log")
        self.assertTrue(refused.raw.startswith(b"HTTP/1.1 403 "))

    def test_names(self) -> None:
        """Names against the rules, other places and strangers are refused before any body."""
        for path in (
            "/joboutputs/",
            "/joboutputs",
            "/joboutputs/.hidden",
            "/joboutputs/..",
            "/joboutputs/a/b",
            "/joboutputs/a%2fb",
            "/joboutputs/" + "a" * 65,
            "/latest/user-data",
            "/machinefeatures/hs06",
            f"/machine/{'x' * 32}/joboutputs/log",
        ):
            reply = self.world.ask(b"PUT %b HTTP/1.1\r\nContent-Length: 9\r\n\r\n" % path.encode())
            self.assertEqual(403, reply.status, path)
        self.assertEqual(403, self.world.put("/joboutputs/log", b"x", STRANGER).status)
        self.assertEqual({}, self.kept)

    def test_too_large(self) -> None:
        """A body over the bound is refused by its announced length, before it is sent."""
        reply = self.world.ask(b"PUT /joboutputs/log HTTP/1.1\r\nContent-Length: 100001\r\n\r\n")
        self.assertEqual(413, reply.status)
        self.assertEqual({}, self.kept)

    def test_too_large_in_chunks(self) -> None:
        """A body in chunks is refused where it passes the bound, once, and leaves nothing."""
        for piece in (1000, 200000):
            connection = self.world.connect()
            assert connection is not None
            head = b"PUT /joboutputs/log HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            body = b"".join(b"1000\r\n" + b"x" * 4096 + b"\r\n" for _ in range(40))
            connection.send(head + body + b"0\r\n\r\n", piece=piece)
            self.assertEqual(413, connection.reply().status)
            self.assertEqual(1, connection.raw.count(b"HTTP/1.1 "))
        self.assertEqual(({}, 0), (self.kept, self.world.site.spool.used))

    def test_quota(self) -> None:
        """Over the machine's quota the answer is that there is no room."""
        self.world.book.quota = Quota(machine_bytes=10)
        self.assertEqual(507, self.world.put("/joboutputs/log", b"x" * 11).status)

    def test_spool_full(self) -> None:
        """Bodies on their way share one bound; what they held is free when they are gone."""
        first = self.world.connect()
        assert first is not None
        head = b"PUT /joboutputs/log HTTP/1.1\r\nContent-Length: 90000\r\n\r\n"
        first.send(head + b"x" * 89999)
        self.assertEqual(507, self.world.put("/joboutputs/log", b"x" * 70000, OTHER).status)
        first.transport.loseConnection()
        self.assertEqual(0, self.world.site.spool.used)
        self.assertEqual(201, self.world.put("/joboutputs/log", b"x" * 70000, OTHER).status)

    def test_spool_fills(self) -> None:
        """Bodies that were let in together are refused half-way if there is no room for all."""
        connections = [self.world.connect(), self.world.connect(OTHER)]
        head = b"PUT /joboutputs/log HTTP/1.1\r\nContent-Length: 90000\r\n\r\n"
        for connection in connections:
            assert connection is not None
            connection.send(head)
        for size in (80000, 10000):
            for connection in connections:
                assert connection is not None
                connection.send(b"x" * size)
        statuses = [c.reply("PUT").status for c in connections if c is not None]
        self.assertEqual([201, 507], statuses)
        self.assertEqual(0, self.world.site.spool.used)

    def test_length_required(self) -> None:
        """A PUT that does not say how long it is cannot be kept whole, so it is refused."""
        reply = self.world.ask(b"PUT /joboutputs/log HTTP/1.0\r\n\r\nabc")
        self.assertEqual(411, reply.status)

    def test_empty(self) -> None:
        """An empty output is an output."""
        self.assertEqual(201, self.world.put("/joboutputs/log", b"").status)
        self.assertEqual(b"", self.kept[RECORD.uuid]["log"])

    def test_half(self) -> None:
        """A body cut short is not kept."""
        connection = self.world.connect()
        assert connection is not None
        connection.send(b"PUT /joboutputs/log HTTP/1.0\r\nContent-Length: 10\r\n\r\nabc")
        connection.transport.loseConnection()
        self.assertEqual(({}, 0), (self.kept, self.world.site.spool.used))

    def test_hangs_up(self) -> None:
        """A whole body is kept though the guest is gone before it was answered."""
        waiting: Deferred[None] = Deferred()

        async def pause() -> None:
            await waiting

        self.world.book.pause = pause
        connection = self.world.connect()
        assert connection is not None
        connection.send(b"PUT /joboutputs/log HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc")
        connection.transport.loseConnection()
        waiting.callback(None)
        self.assertEqual(b"abc", self.kept[RECORD.uuid]["log"])
        self.assertEqual(0, self.world.site.spool.used)

    def test_body_with_get(self) -> None:
        """A GET has no body."""
        reply = self.world.ask(b"GET /latest/user-data HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello")
        self.assertEqual(400, reply.status)
