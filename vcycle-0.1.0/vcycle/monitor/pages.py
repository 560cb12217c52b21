"""The dashboard's pages, its documents, and the metrics, by their paths; all only to read."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Callable

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from vcycle.core.errors import VcycleError
from vcycle.monitor.hosts import is_ours
from vcycle.monitor.stream import Stream

HERE = Path(__file__).parent / "page"
FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/vcycle.css": ("vcycle.css", "text/css; charset=utf-8"),
    "/vcycle.js": ("vcycle.js", "text/javascript; charset=utf-8"),
    "/words.js": ("words.js", "text/javascript; charset=utf-8"),
    "/plots.js": ("plots.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
VIEW, DAY, EVENTS, METRICS = "/v1/view", "/v1/day", "/events", "/metrics"
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'"
)
HEADERS = {
    "Server": "Vcycle",
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@frozen(kw_only=True)
class Sources:
    """
    Where documents come from; each may take its time. ``metrics`` is given the header Accept,
    and gives the page and its type; ``names`` are those of this host.
    """

    view: Callable[[], Awaitable[bytes]]
    day: Callable[[], Awaitable[bytes]]
    metrics: Callable[[str], Awaitable[tuple[bytes, str]]]
    names: Callable[[], Iterable[str]]


def files() -> Mapping[str, tuple[bytes, str]]:
    """The page's own files by path, with their types; read from the disk."""
    return {path: ((HERE / name).read_bytes(), kind) for path, (name, kind) in FILES.items()}


class Pages(Resource):
    """What is at which path."""

    isLeaf = True
    _log = Logger()

    def __init__(self, sources: Sources, stream: Stream) -> None:
        super().__init__()
        self._sources = sources
        self._stream = stream
        self._files = files()

    def render(self, request: Any) -> bytes | int:
        for name, value in HEADERS.items():
            request.setHeader(name.encode("ascii"), value.encode("ascii"))
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"Allow", b"GET, HEAD")
            return _said(request, HTTPStatus.METHOD_NOT_ALLOWED, "All here is only to be read.")
        return self.render_GET(request)

    def render_GET(self, request: Any) -> bytes | int:
        if not is_ours(request.getHeader(b"host"), frozenset(self._sources.names())):
            return _said(
                request,
                HTTPStatus.MISDIRECTED_REQUEST,
                "This host is not called so: use its address, or its own name.",
            )
        path = request.path.decode("ascii", "replace")
        if path in self._files:
            body, kind = self._files[path]
            request.setHeader(b"Content-Type", kind.encode("ascii"))
            return body
        if path == EVENTS and request.method == b"GET":
            return self._listen(request)
        if path in (VIEW, DAY, METRICS):
            Deferred.fromCoroutine(self._answer(request, path))
            return NOT_DONE_YET
        return _said(request, HTTPStatus.NOT_FOUND, "There is nothing at this path.")

    async def _answer(self, request: Any, path: str) -> None:
        gone: list[object] = []
        request.notifyFinish().addErrback(gone.append)
        try:
            body, kind = await self._document(request, path)
        except VcycleError as error:
            body, kind = f"{error}\n".encode("utf-8", "replace"), TEXT
            request.setResponseCode(HTTPStatus.SERVICE_UNAVAILABLE)
        except Exception:
            self._log.failure("{path} could not be answered", path=path)
            body, kind = b"This could not be answered; see vcycled's log.\n", TEXT
            request.setResponseCode(HTTPStatus.INTERNAL_SERVER_ERROR)
        if gone:
            return
        request.setHeader(b"Content-Type", kind.encode("ascii"))
        request.setHeader(b"Content-Length", b"%d" % len(body))
        if request.method != b"HEAD":
            request.write(body)
        request.finish()

    async def _document(self, request: Any, path: str) -> tuple[bytes, str]:
        if path == METRICS:
            return await self._sources.metrics(request.getHeader("accept") or "")
        return await (self._sources.view() if path == VIEW else self._sources.day()), JSON

    def _listen(self, request: Any) -> bytes | int:
        request.setHeader(b"Content-Type", b"text/event-stream")
        listener = self._stream.admit(request)
        if listener is None:
            return _said(
                request, HTTPStatus.SERVICE_UNAVAILABLE, "As many pages are open as may be."
            )
        Deferred.fromCoroutine(self._greet(listener.send))
        return NOT_DONE_YET

    async def _greet(self, send: Callable[[str, bytes], None]) -> None:
        try:
            send("view", await self._sources.view())
            send("day", await self._sources.day())
        except VcycleError as error:
            self._log.debug("an open page waits for the next cycle: {error}", error=error)
        except Exception:
            self._log.failure("an open page could not be greeted")


def _said(request: Any, status: HTTPStatus, text: str) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"Content-Type", TEXT.encode("ascii"))
    return f"{text}\n".encode("ascii")
