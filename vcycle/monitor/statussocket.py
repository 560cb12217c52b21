"""The daemon's Unix socket for programs: what it knows, as JSON over HTTP."""

from __future__ import annotations

import os
import socket
import stat
from http import HTTPStatus
from typing import Any, Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from vcycle.core.errors import NotOurs, VcycleError
from vcycle.monitor.place import refused_path

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


class StatusSocket(Service):
    """
    Serves documents on a Unix socket at ``path`` while it runs, to whom ``mode`` lets.

    A socket that a killed daemon left is replaced; one that answers is never touched.
    """

    def __init__(
        self,
        reactor: Any,
        path: str,
        content: Callable[[str], bytes | None],
        mode: int = 0o660,
    ) -> None:
        self._reactor = reactor
        self._path = path
        self._content = content
        self._mode = mode
        self._listening: IListeningPort | None = None

    def startService(self) -> None:
        """
        Listen.

        :raises NotOurs: another daemon answers at the path.
        :raises VcycleError: no socket can be there; the text says why, and the cure.
        """
        refusal = refused_path(self._path)
        if refusal is not None:
            raise VcycleError(refusal)
        make_way(self._path)
        site = _Site(Documents(self._content), timeout=IDLE_SECONDS, reactor=self._reactor)
        try:
            self._listening = self._reactor.listenUNIX(self._path, site, mode=self._mode)
        except CannotListenError as error:
            raise VcycleError(f"{self._path}: cannot listen there: {error.socketError}") from None
        super().startService()

    def stopService(self) -> Deferred[None]:
        """Stop listening, and remove the socket."""
        super().stopService()
        listening, self._listening = self._listening, None
        if listening is None:
            return succeed(None)
        return maybeDeferred(listening.stopListening).addCallback(lambda _: None)


def make_way(path: str) -> None:
    """Remove a socket that nobody listens at any more."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise VcycleError(f"{path}: {error.strerror}") from None
    if not stat.S_ISSOCK(mode):
        raise VcycleError(f"{path}: this is no socket; move it away, or choose another state_dir")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        # Over a Unix socket this succeeds or fails at once.
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except FileNotFoundError:
            return
        except BlockingIOError:
            pass  # A full queue: somebody listens there.
        except OSError as error:
            raise VcycleError(f"{path}: {error.strerror}") from None
    raise NotOurs(f"{path}: another daemon answers there; stop it, or give this one a state_dir")
