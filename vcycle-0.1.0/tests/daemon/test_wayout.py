"""The way out of the fence, with a real process outside, each time from a process of its own."""

from __future__ import annotations

import socket
import threading

from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.test_fence import run

PRELUDE = """
from vcycle.daemon.wayout import endpoint, way_out

way = way_out()
become()
enter("the test")

from twisted.internet import reactor
from twisted.internet.endpoints import connectProtocol
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol

class Listens(Protocol):
    def __init__(self):
        self.heard, self.over = b"", Deferred()
    def dataReceived(self, data):
        self.heard += data
    def connectionLost(self, reason):
        self.over.callback(self.heard)

async def hear(way, host, port, seconds=5.0):
    try:
        protocol = await connectProtocol(endpoint(reactor, way, host, port, seconds), Listens())
        protocol.transport.write(b"who are you?")
        print((await protocol.over).decode(), protocol.transport.getPeer().host)
    except Exception as error:
        print(type(error).__name__, error)

def main(*coroutines):
    async def all():
        for coroutine in coroutines:
            await coroutine
        reactor.stop()
    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(all()))
    reactor.run()
"""


class WayOutTests(SynchronousTestCase):
    def setUp(self) -> None:
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        self.port = server.getsockname()[1]

        def serve() -> None:
            try:
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.sendall(b"to " + connection.recv(100))
            except OSError:
                return

        threading.Thread(target=serve, daemon=True).start()

    def said(self, script: str, become: str = "None") -> list[str]:
        return run(f"become = lambda: {become}\n{PRELUDE}{script}").splitlines()

    def test_connects(self) -> None:
        """Where the daemon itself reaches nobody, the process outside connects it, by name too."""
        said = self.said(
            f"main(hear(None, '127.0.0.1', {self.port}), hear(way, '127.0.0.1', {self.port}),"
            f" hear(way, 'localhost', {self.port}))"
        )
        self.assertIn("ConnectionRefusedError", said[0])
        self.assertEqual(["to who are you? 127.0.0.1"] * 2, said[1:])

    def test_user(self) -> None:
        """So it is behind the fence of a user, whose rights end at a namespace of its own."""
        said = self.said(
            f"main(hear(None, '127.0.0.1', {self.port}), hear(way, '127.0.0.1', {self.port}))",
            become="become_nobody()",
        )
        self.assertIn("ConnectionRefusedError", said[0])
        self.assertEqual("to who are you? 127.0.0.1", said[1])

    def test_refusals(self) -> None:
        """What cannot be connected to fails as it would without a fence."""
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            said = self.said(
                f"main(hear(way, '127.0.0.1', {port}), hear(way, 64 * 'x' + '.test', 1),"
                " hear(way, '127.0.0.1', 'no port'))"
            )
        self.assertIn("ConnectionRefusedError", said[0])
        self.assertIn("DNSLookupError", said[1])
        self.assertIn("ConnectError", said[2])

    def test_late(self) -> None:
        """Who waits too long is told so; an answer that comes later is nobody's, and is closed."""
        said = self.said(
            "from twisted.internet.task import Clock\n"
            "clock = Clock()\n"
            f"asked = way.ask(clock, '127.0.0.1', {self.port}, 1.0)\n"
            "asked.addErrback(lambda f: print(f.type.__name__))\n"
            "clock.advance(7)\n"
            "before = len(os.listdir('/proc/self/fd'))\n"
            "import select; select.select([way], [], [], 10)\n"
            "way.doRead()\n"
            "print(len(os.listdir('/proc/self/fd')) - before)"
        )
        self.assertEqual(["TimeoutError", "0"], said)

    def test_gone(self) -> None:
        """When the process outside is gone, everybody who asks is told the cure."""
        said = self.said(
            "async def end():\n"
            "    way.process.kill()\n"
            "    way.process.wait()\n"
            f"main(hear(way, '127.0.0.1', {self.port}), end(),"
            f" hear(way, '127.0.0.1', {self.port}), hear(way, '127.0.0.1', {self.port}))"
        )
        self.assertEqual("to who are you? 127.0.0.1", said[0])
        for line in said[1:]:
            self.assertIn("ConnectError", line)
        self.assertIn("start the daemon anew", said[2])

    def test_ends(self) -> None:
        """The process outside ends with the daemon, whatever ends that, and leaves no zombie."""
        pid = int(self.said("print(way.process.pid)")[0])
        for _ in range(100):
            try:
                with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
                    if "outside" not in file.read():
                        return
            except OSError:
                return
            threading.Event().wait(0.05)
        self.fail("it goes on")

    def test_close(self) -> None:
        """A way that is not needed after all is closed at once."""
        self.assertEqual(["0"], self.said("way.close(); print(way.process.returncode)"))
