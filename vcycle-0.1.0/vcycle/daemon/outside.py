"""
What stays outside the fence: a process that connects where the daemon says, and hands it the
connection. ``python -I outside.py DESCRIPTOR``

A socket belongs to the network namespace that it was made in, wherever it is used. The fence
is around guests: they reach neither this process nor what it hands on.
"""

from __future__ import annotations

import errno
import json
import signal
import socket
import sys
import threading
from typing import Any

MAX_MESSAGE = 4096
AT_ONCE = 64
"""Connections that are made side by side; more are refused, and asked for again later."""

MAX_SECONDS = 600.0


def main() -> None:
    """Serve until the daemon ends, which is when its end of the descriptor is closed."""
    # What ends the daemon is sent to both of us where it is a whole group's end.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        serve(channel)


def serve(channel: socket.socket) -> None:
    """Answer each message on a channel of whole messages, each in a thread of its own."""
    free = threading.BoundedSemaphore(AT_ONCE)

    def answer(message: bytes) -> None:
        try:
            _answer(channel, message)
        finally:
            free.release()

    while True:
        try:
            message = channel.recv(MAX_MESSAGE)
        except ConnectionError:
            return
        if not message:
            return
        if free.acquire(blocking=False):
            threading.Thread(target=answer, args=(message,), daemon=True).start()
        else:
            _tell(channel, {**_number(message), "errno": errno.EAGAIN, "error": "too many at once"})


def _answer(channel: socket.socket, message: bytes) -> None:
    told: dict[str, Any] = _number(message)
    try:
        asked = json.loads(message)
        address = str(asked["host"]), int(asked["port"])
        seconds = min(max(float(asked["seconds"]), 0.1), MAX_SECONDS)
        with socket.create_connection(address, seconds) as connection:
            socket.send_fds(channel, [json.dumps(told).encode()], [connection.fileno()])
        return
    except (socket.gaierror, UnicodeError) as error:
        told.update(error=str(error)[:200], name=True)
    except socket.timeout:
        told.update(error="timed out", errno=errno.ETIMEDOUT)
    except OSError as error:
        told.update(error=str(error.strerror or error), errno=error.errno)
    except Exception as error:
        told.update(error=f"{type(error).__name__}: {error}"[:200])
    _tell(channel, told)


def _number(message: bytes) -> dict[str, Any]:
    """By which the daemon knows what is answered."""
    try:
        return {"number": int(json.loads(message)["number"])}
    except (ValueError, KeyError, TypeError):
        return {"number": -1}


def _tell(channel: socket.socket, told: dict[str, Any]) -> None:
    try:
        channel.send(json.dumps(told).encode())
    except OSError:
        return


if __name__ == "__main__":
    main()
