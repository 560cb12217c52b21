"""Bodies on their way in: in temporary files, and together within a bound."""

from __future__ import annotations

import errno
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from attrs import define, field


@define
class Spool:
    """Room for bodies. ``directory`` None is the system's own place for temporary files."""

    limit: int
    memory_bytes: int
    directory: str | None = None
    used: int = field(default=0, init=False)

    def has(self, size: int) -> bool:
        """Whether a body of this size would find room now."""
        return self.used + size <= self.limit

    def open(self) -> Body:
        """An empty body."""
        file = SpooledTemporaryFile(max_size=self.memory_bytes, dir=self.directory)  # noqa: SIM115
        return Body(self, cast("IO[bytes]", file))


@define(eq=False)
class Body:
    """One body; it holds its room in the spool until it is closed."""

    _spool: Spool
    file: IO[bytes]
    size: int = field(default=0, init=False)

    def write(self, data: bytes) -> None:
        """
        Add to the end.

        :raises OSError: neither the spool nor the disk has room.
        """
        if not self._spool.has(len(data)):
            raise OSError(errno.ENOSPC, "bodies on their way fill the spool")
        self.file.write(data)
        self._spool.used += len(data)
        self.size += len(data)

    def close(self) -> None:
        """Give the room back; once is enough, again is no error."""
        self._spool.used -= self.size
        self.size = 0
        self.file.close()
