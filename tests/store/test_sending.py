"""What is queued goes out through the library that sends it, to a messaging service like APEL's."""

from __future__ import annotations

import base64
import json
import os
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from argo_ams_library import AmsException, AmsMessage, ArgoMessagingService
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from dirq.QueueSimple import QueueSimple
from twisted.internet import reactor
from twisted.internet.ssl import PrivateCertificate
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from tests.contracts.accounts import PLACEHOLDER, A, B
from tests.contracts.store import NOW
from tests.core.accounting.loader import load
from tests.inplace import in_place
from vcycle.core.accounting.ledger import sync_text
from vcycle.store.accounts import Accounts
from vcycle.store.apel.place import Place
from vcycle.store.apel.queueing import queue

TOPIC = b"/v1/projects/accounting/topics/gLite-APEL:publish"
MOST = 1_000_000
"""Bytes of one message that the service takes."""


class Messaging(Resource):
    """The part of the service that takes messages; it refuses while it is ``closed``."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[str] = []
        self.closed = False

    def render_POST(self, request: Request) -> bytes:
        request.setHeader("content-type", "application/json")
        content = b"" if request.content is None else request.content.read()
        if self.closed or request.path != TOPIC or len(content) > MOST:
            request.setResponseCode(400)
            error = {"code": 400, "message": "closed", "status": "INVALID_ARGUMENT"}
            return json.dumps({"error": error}).encode("ascii")
        messages = json.loads(content)["messages"]
        self.taken += [base64.b64decode(message["data"]).decode("ascii") for message in messages]
        numbers = [str(len(self.taken)) for _ in messages]
        return json.dumps({"messageIds": numbers}).encode("ascii")


class SendingTests(TestCase):
    async def test_sent(self) -> None:
        """All that is queued arrives, as the loader takes it; what is refused waits."""
        root = Path(self.mktemp())
        os.makedirs(root)
        await Accounts(str(root), in_place).account([A, B, PLACEHOLDER])
        queue(Place(str(root)), sync_text("EXAMPLE-SITE", "b", "202311", 2), NOW)
        service = Messaging()
        authority = root / "ca.pem"
        identity = certified(authority)
        port: Any = reactor.listenSSL(  # type: ignore[attr-defined]
            0, Site(service), identity.options(), interface="127.0.0.1"
        )
        self.addCleanup(port.stopListening)
        endpoint = f"127.0.0.1:{port.getHost().port}"
        service.closed = True
        self.assertEqual(0, await deferToThread(send, endpoint, root, authority))
        service.closed = False
        self.assertEqual(3, await deferToThread(send, endpoint, root, authority))
        self.assertEqual(0, await deferToThread(send, endpoint, root, authority))
        kinds = sorted(text.partition(":")[0] for text in service.taken)
        self.assertEqual(["APEL-individual-job-message"] * 2 + ["APEL-sync-message"], kinds)
        for text in service.taken:
            self.assertEqual(1, len(load(text, NOW + 10 * 86400)))
        # It was sent and is gone: nothing brings it back.
        await Accounts(str(root), in_place).account([A, B, PLACEHOLDER])
        self.assertEqual(0, await deferToThread(send, endpoint, root, authority))


def certified(authority: Path) -> PrivateCertificate:
    """A certificate for this host's own address; who trusts ``authority`` believes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    authority.write_bytes(pem)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    loaded: PrivateCertificate = PrivateCertificate.loadPEM(pem + private)
    return loaded


def send(endpoint: str, root: Path, authority: Path) -> int:
    """What a sender does: publish each message, and take it out of the queue only then."""
    service = ArgoMessagingService(endpoint=endpoint, project="accounting", token="token")
    spool = QueueSimple(str(root / "apel-outgoing"))
    sent = 0
    for name in spool:
        if not spool.lock(name):
            continue
        message = AmsMessage(data=spool.get(name), attributes={"dirq": name})
        try:
            service.publish("gLite-APEL", message, verify=str(authority))
        except AmsException:
            spool.unlock(name)
        else:
            spool.remove(name)
            sent += 1
    spool.purge()
    return sent
