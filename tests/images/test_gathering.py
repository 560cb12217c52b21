"""Tests for vcycle.images.gathering, with OpenSSL at both ends and no network between."""

from __future__ import annotations

import contextlib

from OpenSSL import SSL, crypto
from twisted.trial.unittest import SynchronousTestCase

from tests.images.https import Authority
from vcycle.images.gathering import GATHERED_BYTES, RECORD_BYTES, Gathering


class GatheringTests(SynchronousTestCase):
    def setUp(self) -> None:
        pair = Authority().issue()
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.use_certificate(crypto.load_certificate(crypto.FILETYPE_PEM, pair.certificate))
        context.use_privatekey(crypto.load_privatekey(crypto.FILETYPE_PEM, pair.key))
        self.server = SSL.Connection(context, None)
        self.server.set_accept_state()
        self.client = Gathering(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
        self.client.set_connect_state()
        for _ in range(4):
            for one, other in ((self.client, self.server), (self.server, self.client)):
                with contextlib.suppress(SSL.WantReadError):
                    one.do_handshake()
                sent = self.sent(one)
                if sent:
                    other.bio_write(sent)

    def sent(self, one: SSL.Connection) -> bytes:
        """What is on its way from one end."""
        try:
            return one.bio_read(1 << 22)
        except SSL.WantReadError:
            return b""

    def send(self, data: bytes) -> bytes:
        """What the server sends for this."""
        sent = b""
        for at in range(0, len(data), RECORD_BYTES):
            self.server.send(data[at : at + RECORD_BYTES])
            sent += self.sent(self.server)
        return sent

    def received(self) -> list[bytes]:
        """All that the client has, as it is given."""
        pieces = []
        try:
            while True:
                pieces.append(self.client.recv(10))
        except SSL.WantReadError:
            return pieces

    def test_gathered(self) -> None:
        """Many records come as few pieces, in their order, each of a bounded size."""
        data = b"".join(number.to_bytes(4, "big") for number in range(1 << 18))
        self.client.bio_write(self.send(data))
        pieces = self.received()
        self.assertEqual(data, b"".join(pieces))
        self.assertEqual({GATHERED_BYTES}, {len(piece) for piece in pieces})
        self.assertRaises(SSL.WantReadError, self.client.recv, 10)

    def test_little(self) -> None:
        """What has come is given, though there could be more; half a record is not."""
        one, other = self.send(b"one"), self.send(b"other")
        self.client.bio_write(one + other[:5])
        self.assertEqual([b"one"], self.received())
        self.client.bio_write(other[5:])
        self.assertEqual([b"other"], self.received())

    def test_closed(self) -> None:
        """What came before the end comes before the end."""
        data = self.send(b"last words")
        self.server.shutdown()
        self.client.bio_write(data + self.sent(self.server))
        self.assertEqual(b"last words", self.client.recv(10))
        self.assertRaises(SSL.ZeroReturnError, self.client.recv, 10)

    def test_damaged(self) -> None:
        """What came whole is given; then the fault is told, with its reason."""
        good, bad = self.send(b"good"), bytearray(self.send(b"bad"))
        bad[-1] ^= 1
        self.client.bio_write(good + bytes(bad))
        self.assertEqual(b"good", self.client.recv(10))
        error = self.assertRaises(SSL.Error, self.client.recv, 10)
        self.assertIn("bad record mac", str(error))

    def test_looked_at(self) -> None:
        """Flags are as they always are."""
        self.client.bio_write(self.send(b"peek"))
        self.assertEqual(b"pe", self.client.recv(2, 2))
        self.assertEqual(b"peek", self.client.recv(2))
