"""
Messages signed with a secret that the factories of a space share.

The signature is one more key at a message's very end, which who does not know of it ignores.
It is made over the bytes before it, so that nothing needs to be written twice the same.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from attrs import define, field

from vcycle.core.errors import MalformedQuery

KEY = "vcycle_signature"
WINDOW = 120.0
"""Seconds that the sender's clock and ours may differ, and that a message is good for."""

MOST_SEEN = 50_000
"""Signatures remembered; while so many are fresh, no signed message is taken."""

_SIGNATURE = re.compile(rb',"%b":"(\d{10,13}):([0-9a-f]{64})"\}\Z' % KEY.encode("ascii"))


def sign(datagram: bytes, secret: bytes, now: float) -> bytes:
    """
    The message with its signature, made at ``now`` (Unix seconds).

    Each sending is signed anew, also of what was sent before: no signature is taken twice.
    """
    at = b"%d" % int(now * 1000)
    digest = _digest(datagram, secret, at)
    return b'%b,"%b":"%b:%b"}' % (datagram[:-1], KEY.encode("ascii"), at, digest)


def verify(datagram: bytes, secret: bytes, now: float) -> bytes | None:
    """
    The signature of a message; None if it has none.

    :raises MalformedQuery: it is signed with another secret, or too long ago, or changed since.
    """
    found = _SIGNATURE.search(datagram)
    if found is None:
        return None
    at, digest = found.groups()
    if not hmac.compare_digest(digest, _digest(datagram[: found.start()] + b"}", secret, at)):
        raise MalformedQuery("signed with another secret, or changed on its way")
    off = int(at) / 1000 - now
    if abs(off) > WINDOW:
        raise MalformedQuery(
            f"signed {abs(off):.0f} s {'ahead' if off > 0 else 'ago'}: set the clocks"
        )
    return digest


def _digest(message: bytes, secret: bytes, at: bytes) -> bytes:
    return hmac.new(secret, b"vcycle 1 %b %b" % (at, message), hashlib.sha256).hexdigest().encode()


@define(eq=False)
class Seen:
    """Signatures that were taken, so that none is taken twice while it is good."""

    most: int = MOST_SEEN
    _until: dict[bytes, float] = field(factory=dict, init=False)

    def take(self, signature: bytes, now: float) -> None:
        """:raises MalformedQuery: it was taken before, or too many were lately."""
        # In the order in which they were taken, so the first ones are the first to go.
        while self._until:
            first = next(iter(self._until))
            if 0 <= self._until[first] - now <= 2 * WINDOW:
                break
            del self._until[first]
        if signature in self._until:
            raise MalformedQuery("signature was used before")
        if len(self._until) >= self.most:
            raise MalformedQuery("more signed messages than can be remembered")
        self._until[signature] = now + 2 * WINDOW
