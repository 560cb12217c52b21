"""Why a server was not reached, in words."""

from __future__ import annotations

import socket

from OpenSSL import SSL
from twisted.internet import error as errors
from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure
from twisted.web.client import RequestTransmissionFailed, ResponseFailed, ResponseNeverReceived

from vcycle.core.errors import VcycleError

MAX_WORDS = 300
_WORDS = {
    "_DataLoss": "less came than was announced",
    "_MalformedChunkedDataError": "its chunks make no sense",
    "ParseError": "the answer is no HTTP",
    "BadHeaders": "its headers make no sense",
}
"""What Twisted keeps to itself, by name."""


def reason_of(error: BaseException | None) -> str:
    """One printable line."""
    text = _words(error)
    return "".join(char if char.isprintable() else "?" for char in text)[:MAX_WORDS]


def _words(error: BaseException | None) -> str:
    if isinstance(error, VcycleError):
        return str(error)
    if isinstance(error, (ResponseFailed, RequestTransmissionFailed)):
        return _of_many(error)
    if isinstance(error, errors.DNSLookupError):
        return "there is no host of that name, or the name service does not answer"
    if isinstance(error, errors.ConnectionRefusedError):
        return "the connection is refused: nothing listens there"
    if isinstance(error, (errors.TimeoutError, errors.TCPTimedOutError)):
        return "no connection in time: the host or a firewall does not answer"
    if isinstance(error, (errors.NoRouteError, errors.ConnectError)):
        return f"it cannot be connected to: {error}"
    if isinstance(error, SSL.Error):
        return f"TLS failed: {_of_openssl(error)}"
    if isinstance(error, (errors.ConnectionDone, errors.ConnectionLost)):
        return "the server closed the connection"
    if isinstance(error, errors.ConnectionAborted):
        return "the connection was cut"
    if type(error).__name__ in _WORDS:
        return _WORDS[type(error).__name__]
    if isinstance(error, CancelledError):
        return "it was given up"
    if isinstance(error, (socket.gaierror, OSError)) and error.strerror:
        return str(error.strerror)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _of_many(error: ResponseFailed | RequestTransmissionFailed) -> str:
    """The most telling of several: a lost connection is what every trouble ends in."""
    found = [each.value for each in error.reasons if isinstance(each, Failure)]
    dull = (errors.ConnectionDone, errors.ConnectionLost, errors.ConnectionAborted)
    telling = [each for each in found if not isinstance(each, dull)]
    if not telling and isinstance(error, ResponseNeverReceived):
        return "the server closed the connection without an answer"
    return _words((telling or found or [None])[0])


def _of_openssl(error: SSL.Error) -> str:
    parts = error.args[0] if error.args else ()
    if isinstance(parts, (list, tuple)):
        texts = [part[-1] for part in parts if isinstance(part, tuple) and part]
        return "; ".join(str(text) for text in texts if text) or "the connection was closed"
    return str(parts)
