"""The daemon's Unix socket for programs: what it knows, as JSON over HTTP."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Callable

from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from vcycle.monitor.unixsocket import UnixSocket

NEWEST = "/v1"
HEALTH = f"{NEWEST}/health"
# Who gets this knows that the daemon's loop turns.
ALIVE = b'{"version":1,"answering":true}'
IDLE_SECONDS = 30
PATH_BYTES = 100


class Documents(Resource):
    """
    JSON documents by path, such as ``/v1/status``; a path without a version is of the newest.

    ``content`` gives a document's bytes, none of them (b"") while there is nothing to tell yet,
    or None where there is no such document.
    """

    isLeaf = True

    def __init__(self, content: Callable[[str], bytes | None]) -> None:
        super().__init__()
        self._content = content

    def render_GET(self, request: Request) -> bytes:
        request.setHeader(b"Server", b"Vcycle")
        body = self._find(request.path)
        if not body:
            status = HTTPStatus.NOT_FOUND if body is None else HTTPStatus.SERVICE_UNAVAILABLE
            request.setResponseCode(status)
            request.setHeader(b"Content-Type", b"text/plain")
            return f"{status.phrase}\n".encode()
        request.setHeader(b"Content-Type", b"application/json")
        return body

    def _find(self, path: bytes) -> bytes | None:
        if len(path) > PATH_BYTES or not path.isascii():
            return None
        text = path.decode("ascii")
        if text.count("/") == 1:
            text = NEWEST + text
        content = self._content(text)
        return ALIVE if content is None and text == HEALTH else content


class _Site(Site):
    noisy = False

    def startFactory(self) -> None:
        """Nothing: there is no access log to be kept ready for."""

    def log(self, request: Any) -> None:
        """Nothing: who asks for the status each second must not fill the log."""


class StatusSocket(UnixSocket):
    """
    Serves documents on a Unix socket at ``path`` while it runs, to whom ``mode`` lets.

    ``content`` as of Documents.
    """

    def __init__(
        self,
        reactor: Any,
        path: str,
        content: Callable[[str], bytes | None],
        mode: int = 0o660,
    ) -> None:
        site = _Site(Documents(content), timeout=IDLE_SECONDS, reactor=reactor)
        super().__init__(reactor, path, site, mode)
