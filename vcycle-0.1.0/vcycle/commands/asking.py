"""Asks the running daemon over its Unix socket."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from typing import Any

from vcycle.core.errors import VcycleError

# Room for tens of thousands of machines; whatever answers must not fill the memory.
LIMIT = 64 * 1024 * 1024
SECONDS = 10.0


class NoAnswer(VcycleError):
    """The daemon did not answer; the text says where it was asked, why not, and the cure."""


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path
        self._seconds = seconds

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._seconds)
        self.sock.connect(self._path)


def ask(path: str, document: str, seconds: float = SECONDS) -> Mapping[str, Any]:
    """
    A JSON object that the daemon serves at the Unix socket ``path``, such as ``/v1/status``.

    :raises NoAnswer: there was none.
    """
    connection = _UnixConnection(path, seconds)
    try:
        connection.request("GET", document, headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read(LIMIT + 1)
        status = response.status
    except FileNotFoundError:
        raise NoAnswer(
            f"{path}: no such socket; start vcycled, or name its socket with --socket, "
            "or its configuration with --config"
        ) from None
    except ConnectionRefusedError:
        raise NoAnswer(f"{path}: nobody answers; start vcycled (systemctl start vcycled)") from None
    except PermissionError:
        raise NoAnswer(f"{path}: not permitted; ask as root, or as a member of its group") from None
    except socket.timeout:
        raise NoAnswer(
            f"{path}: no answer within {seconds:.0f} s; see vcycled's log for what it waits for"
        ) from None
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(
            f"{path}: {error or type(error).__name__}; is this vcycled's socket?"
        ) from None
    finally:
        connection.close()
    if status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        raise NoAnswer(f"{path}: vcycled has not finished its first cycle; ask again in a minute")
    if status != http.HTTPStatus.OK:
        raise NoAnswer(
            f"{path}: {document} is answered {status}; vcycled and this command should be "
            "of one version"
        )
    return _parsed(path, body)


def _parsed(path: str, body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body) if len(body) <= LIMIT else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise NoAnswer(f"{path}: the answer is no JSON object; is this vcycled's socket?")
    return value
