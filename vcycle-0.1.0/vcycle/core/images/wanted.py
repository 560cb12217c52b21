"""Images and documents as they are asked for, and as they are given."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Wanted:
    """
    An image that is asked for: a URL, an absolute path, or a name below ``files`` of
    ``directory``, a machinetype's own. With ``sha256`` or ``signing_dn`` nothing else is good.
    """

    reference: str
    directory: str
    sha256: str | None = None
    signing_dn: str | None = None


@frozen(kw_only=True)
class Image:
    """
    A whole image that can be used: one version, at a path where nothing ever changes it.

    ``confirmed_at`` (Unix seconds) is when its server last said that it is the newest;
    ``problem`` is why that could not be asked since. Both are None of a local file.
    """

    path: str
    url: str | None = None
    sha256: str | None = None
    signed_by: str | None = None
    confirmed_at: float | None = None
    problem: str | None = None


@frozen(kw_only=True)
class Document:
    """
    A small file of a server, whole: ``fetched_at`` (Unix seconds) is when the server last said
    that it is the newest; ``problem`` is why that could not be asked since.
    """

    url: str
    body: bytes
    fetched_at: float
    problem: str | None = None
