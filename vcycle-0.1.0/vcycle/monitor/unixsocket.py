"""Listening on a Unix socket of the state directory."""

from __future__ import annotations

import os
import socket
import stat
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory

from vcycle.core.errors import NotOurs, VcycleError
from vcycle.monitor.place import refused_path


class UnixSocket(Service):
    """
    Connections to ``path`` are those of ``factory`` while it runs, for whom ``mode`` lets.

    A socket that a killed daemon left is replaced; one that answers is never touched.
    """

    def __init__(self, reactor: Any, path: str, factory: IProtocolFactory, mode: int) -> None:
        self._reactor = reactor
        self._path = path
        self._factory = factory
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
        _make_way(self._path)
        try:
            self._listening = self._reactor.listenUNIX(self._path, self._factory, mode=self._mode)
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


def _make_way(path: str) -> None:
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
