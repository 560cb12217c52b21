"""A UDP socket that says whom it could not reach."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
from collections.abc import Iterator

from attrs import define, field

from vcycle.core.asking.round import BURST, WINDOW, Datagram
from vcycle.core.asking.target import Address
from vcycle.core.vacquery.messages import MAX_ANSWER

WANTED_BUFFER = 4 * 1024 * 1024
"""Bytes that are asked for; the system gives what it allows."""

ONE_ANSWER = 2368
"""Bytes of a socket's buffer that one answer takes, with what the kernel adds."""

MAX_WINDOW = 2000
_IP_RECVERR = 11
_SO_RCVBUFFORCE = 33
_MAX_ERRORS = 1000
_REASONS = {errno.ECONNREFUSED: "nobody listens there (connection refused)"}


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WANTED_BUFFER)
    with contextlib.suppress(OSError):  # only root may have more than others
        made.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, WANTED_BUFFER)
    with contextlib.suppress(OSError):  # only on Linux: elsewhere refusals are silences
        made.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
    return made


@define(eq=False)
class Datagrams:
    """
    Sends and receives, and never blocks.

    ``refused`` is why addresses cannot be reached, as far as their hosts or the network say so.
    """

    refused: dict[Address, str] = field(factory=dict, init=False)
    _socket: socket.socket = field(factory=_socket, init=False)

    def fileno(self) -> int:
        """For selectors."""
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    @property
    def window(self) -> int:
        """How many answers the buffer holds."""
        size = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        return max(WINDOW, min(size // ONE_ANSWER, MAX_WINDOW))

    def send(self, datagram: Datagram) -> str | None:
        """Why it could not be sent; None if it was."""
        for _ in range(2):
            try:
                self._socket.sendto(*datagram)
                return None
            except OSError as error:
                # It may be the answer to an earlier one: then this one was not tried.
                reason = error.strerror or str(error)
                if not self._look_at_errors():
                    return reason
        return reason

    def received(self) -> Iterator[Datagram]:
        """What has come; a bounded number of datagrams, so that others have their turn."""
        for _ in range(BURST):
            try:
                yield self._socket.recvfrom(MAX_ANSWER + 1)
            except BlockingIOError:
                return
            except OSError:
                self._look_at_errors()

    def _look_at_errors(self) -> bool:
        """Were there any reports of datagrams that did not arrive?"""
        for count in range(_MAX_ERRORS):
            try:
                _, reports, _, address = self._socket.recvmsg(0, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return count > 0
            for level, kind, content in reports:
                if (level, kind) == (socket.IPPROTO_IP, _IP_RECVERR) and len(content) >= 4:
                    number = struct.unpack_from("=I", content)[0]
                    self.refused[address] = _REASONS.get(number) or os.strerror(number)
        return True
