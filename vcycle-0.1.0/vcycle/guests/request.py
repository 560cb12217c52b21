"""One request of a guest: decided at the end of its head, answered once."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING, Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import Request, datetimeToString

from vcycle.core.machine import Record
from vcycle.guests import answers
from vcycle.guests.answers import Answer
from vcycle.guests.channel import SERVER
from vcycle.guests.crowd import Caller
from vcycle.guests.routes import MACHINE, Route, parse
from vcycle.guests.spool import Body

if TYPE_CHECKING:
    from vcycle.guests.site import GuestSite

_HOST = re.compile(rb"[A-Za-z0-9.-]{1,255}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")


@frozen
class Visit:
    """A request that was let in."""

    record: Record
    route: Route


class GuestRequest(Request):
    """
    A request that knows its machine from the end of its head on.

    Only a PUT that may be kept gets its body read at all.
    """

    _log = Logger()
    _verdict: Visit | Answer = answers.BAD_REQUEST
    _body: Body | None = None

    def __init__(self, channel: Any, queued: object = False) -> None:
        super().__init__(channel, queued)
        self._site: GuestSite = channel.site
        self._caller: Caller = channel

    def admit(self, method: bytes, target: bytes, length: int | None) -> bool:
        """Whether to read on; if not, the answer is there. ``length`` None: in chunks."""
        try:
            self._verdict = self._judge(method, target, length)
        except Exception:
            self._verdict = self._failed()
        return isinstance(self._verdict, Visit)

    def gotLength(self, length: int | None) -> None:
        self._body = self._site.spool.open()
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        if self._body is None or not isinstance(self._verdict, Visit):
            return
        if self._body.size + len(data) > self._site.bounds.output_bytes:
            self._refuse(answers.TOO_LARGE)
            return
        try:
            self._body.write(data)
        except OSError:
            self._refuse(answers.NO_ROOM)

    def process(self) -> None:
        Deferred.fromCoroutine(self._respond())

    def connectionLost(self, reason: Failure) -> None:
        self._drop()
        super().connectionLost(reason)

    def _refuse(self, answer: Answer) -> None:
        """Answer now, in the middle of the body."""
        self._verdict = answer
        self.channel.allContentReceived()

    def _judge(self, method: bytes, target: bytes, length: int | None) -> Visit | Answer:
        """Let the request in or not; asking who before what, so that strangers learn nothing."""
        put = method == b"PUT"
        nobody = answers.FORBIDDEN if put else answers.NOT_FOUND
        route = parse(target)
        if route is None:
            return nobody
        record = answers.find(self._site.book, route, getattr(self.client, "host", None))
        if record is None:
            return nobody
        if not self._site.crowd.introduce(self._caller, record.uuid):
            return answers.TOO_BUSY
        refusal: Answer | None = None
        if put:
            refusal = self._unkeepable(route, length)
        elif method not in (b"GET", b"HEAD"):
            refusal = answers.NOT_FOUND
        elif length != 0:
            refusal = answers.BAD_REQUEST
        return refusal or Visit(record, route)

    def _unkeepable(self, route: Route, length: int | None) -> Answer | None:
        """Why a PUT cannot be kept, as far as its head tells."""
        if route.output is None:
            return answers.FORBIDDEN
        if length is None:
            return None
        if not self.requestHeaders.hasHeader(b"Content-Length"):
            return answers.LENGTH_REQUIRED
        if length > self._site.bounds.output_bytes:
            return answers.TOO_LARGE
        return None if self._site.spool.has(length) else answers.NO_ROOM

    async def _respond(self) -> None:
        answer = self._verdict
        if isinstance(answer, Visit):
            try:
                answer = await self._visit(answer)
            except Exception:
                answer = self._failed()
        self._drop()
        if self._disconnected:
            return
        self.setResponseCode(answer.status)
        for name, value in (
            (b"Server", SERVER),
            (b"Date", datetimeToString(self._site.reactor.seconds())),
            (b"Connection", b"close"),
            (b"Content-Type", b"text/plain"),
            (b"Content-Length", b"%d" % len(answer.body)),
        ):
            self.responseHeaders.setRawHeaders(name, [value])
        self.write(answer.body)
        self.finish()

    async def _visit(self, visit: Visit) -> Answer:
        book, record, route = self._site.book, visit.record, visit.route
        if self.method != b"PUT":
            return await answers.read(book, record, route.parts, self._base(route))
        # From here on the body is not the connection's: it is kept where the guest hangs up too.
        body, self._body = self._body, None
        if body is None or route.output is None:
            return answers.FORBIDDEN
        try:
            body.file.seek(0)
            return await answers.leave(book, record, route.output, body.file)
        finally:
            body.close()

    def _base(self, route: Route) -> str:
        """The address of the machine's tree as the machine reaches it."""
        if route.secret is None and self._site.features_base is not None:
            return self._site.features_base
        host = self.getHeader(b"Host")
        if host is None or not _HOST.fullmatch(host):
            here = self.getHost()
            host = f"{getattr(here, 'host', 'localhost')}:{getattr(here, 'port', 80)}".encode()
        tree = "" if route.secret is None else f"/{MACHINE}/{route.secret}"
        return f"http://{host.decode('ascii')}{tree}"

    def _failed(self) -> Answer:
        self._log.debug("a guest's request failed: {trace}", trace=Failure().getTraceback())
        return answers.FAILED

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
