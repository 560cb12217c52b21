"""Queries signed with a space's secret, and answers whose signature is looked at."""

from __future__ import annotations

from collections.abc import Callable

from vcycle.core.errors import MalformedQuery
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


def verified(secret: bytes | None, only_signed: bool) -> Callable[[bytes], Answer]:
    """
    How answers are read: one that is signed otherwise is none.

    An answer without a signature is taken unless ``only_signed``: older factories sign nothing.
    """

    def decode(datagram: bytes) -> Answer:
        signature = None if secret is None else verify(datagram, secret, wall())
        if only_signed and signature is None:
            raise MalformedQuery("it is not signed with the space's secret")
        return decode_answer(datagram)

    return decode
