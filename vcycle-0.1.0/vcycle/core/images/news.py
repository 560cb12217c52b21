"""What happens in the cache that an operator may want to know."""

from __future__ import annotations

from typing import Union

from attrs import frozen


@frozen(kw_only=True)
class Fetched:
    """A new version is here, ``size`` bytes of which ``resumed`` were here from before."""

    url: str
    path: str
    size: int
    sha256: str
    seconds: float
    resumed: int = 0
    signed_by: str | None = None


@frozen(kw_only=True)
class Kept:
    """A server could not be asked; the copy of ``confirmed_at`` is used (Unix seconds)."""

    url: str
    reason: str
    age: float


@frozen(kw_only=True)
class Lacking:
    """There is no copy that is good, and none could be fetched."""

    url: str
    reason: str


@frozen(kw_only=True)
class Back:
    """A server that could not be asked answers again."""

    url: str


@frozen(kw_only=True)
class Removed:
    """A version was removed from the cache."""

    path: str
    size: int
    why: str


@frozen(kw_only=True)
class Trouble:
    """Something is wrong with the cache itself; the text says what, and the cure."""

    text: str


News = Union[Fetched, Kept, Lacking, Back, Removed, Trouble]
