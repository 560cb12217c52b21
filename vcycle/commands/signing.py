"""Queries signed with a space's secret, and answers whose signature is looked at."""

from __future__ import annotations

from collections.abc import Callable

from vcycle.core.vacquery.decode import decode_answer
from vcycle.core.vacquery.encode import encode_query
from vcycle.core.vacquery.messages import Answer, Query
from vcycle.core.vacquery.secret import sign, verify
from vcycle.daemon.instants import wall

CLIENT = "vcycle-command"
"""What we call ourselves in queries."""


def signed(secret: bytes | None) -> Callable[[Query], bytes]:
    """How queries are written."""

    def encode(query: Query) -> bytes:
        datagram = encode_query(query, CLIENT)
        return datagram if secret is None else sign(datagram, secret, wall())

    return encode


def verified(secret: bytes | None) -> Callable[[bytes], Answer]:
    """
    How answers are read: one that is signed otherwise is none.

    An answer without a signature is taken: older factories sign nothing.
    """

    def decode(datagram: bytes) -> Answer:
        if secret is not None:
            verify(datagram, secret, wall())
        return decode_answer(datagram)

    return decode
