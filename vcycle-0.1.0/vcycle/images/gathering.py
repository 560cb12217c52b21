"""A TLS connection that gives all that has come at once, and not one record at a time."""

from __future__ import annotations

from OpenSSL import SSL

RECORD_BYTES = 1 << 14
"""The most that a record of TLS holds, and so all that is ever read at once."""

GATHERED_BYTES = 1 << 18


class Gathering(SSL.Connection):
    """
    A connection whose ``recv`` gathers about GATHERED_BYTES, whatever it was asked for.

    Whoever receives is called for each piece, and handing on a piece of one record takes as long
    as deciphering it.
    """

    _error: SSL.Error | None = None

    def recv(self, bufsiz: int, flags: int | None = None) -> bytes:
        """
        What has come, at least a byte.

        :raises OpenSSL.SSL.Error: nothing has, or never will; all subclasses of it, as usual.
        """
        if flags is not None:
            return super().recv(bufsiz, flags)
        error, self._error = self._error, None
        if error is not None:
            raise error
        pieces: list[bytes] = []
        room = GATHERED_BYTES
        while room > 0:
            try:
                pieces.append(super().recv(RECORD_BYTES))
            except SSL.WantReadError:
                if not pieces:
                    raise
                break
            except SSL.Error as end:
                if not pieces:
                    raise
                # OpenSSL says only once why a connection is over.
                self._error = end
                break
            room -= RECORD_BYTES
        return b"".join(pieces)
