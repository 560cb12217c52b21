"""What is asked of a server for a file that may be here already, and what its answers mean."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping

from attrs import frozen

from vcycle.core.errors import FetchError
from vcycle.core.images.httpdate import seconds_of

MAX_VALIDATOR = 500
STRONG_SECONDS = 60
"""A date that is younger than this at the answer proves nothing: the file may change again."""

_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)


@frozen(kw_only=True)
class Validators:
    """What a server names one state of a file by; ``dated`` is whether its date is a proof."""

    etag: str | None = None
    last_modified: str | None = None
    dated: bool = False

    @property
    def strong(self) -> str | None:
        """What proves that bytes of two answers are of one state; None if nothing does."""
        if self.etag is not None and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified if self.dated and self.etag is None else None

    @property
    def any(self) -> bool:
        """Whether it can be asked for a change at all."""
        return self.etag is not None or self.last_modified is not None

    def same(self, other: Validators) -> bool:
        """Whether both name one state, as far as they can."""
        mine, others = (self.etag, self.last_modified), (other.etag, other.last_modified)
        return self.any and mine == others


@frozen(kw_only=True)
class Part:
    """The first ``size`` bytes of a file that is ``length`` bytes long, if that is known."""

    size: int
    length: int | None
    validators: Validators

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return self.length is not None and self.size == self.length


class Aim(enum.Enum):
    """What a question is for."""

    ALL = "all of it"
    NEWER = "all of it, if it is another than the good one"
    REST = "what is missing"
    STILL = "whether what is here is still the same"


@frozen(kw_only=True)
class Question:
    """The headers to send."""

    aim: Aim
    headers: Mapping[str, str]


@frozen(kw_only=True)
class Unchanged:
    """What was asked about is the newest."""


@frozen(kw_only=True)
class Content:
    """The bytes from ``offset`` on follow; ``length`` is of all of it, None if not told."""

    offset: int
    length: int | None
    validators: Validators


@frozen(kw_only=True)
class Useless:
    """The part cannot be continued: ask again without it."""


def ask(known: Validators | None, part: Part | None) -> Question:
    """
    The one question that gets furthest. ``known`` are of what need not be fetched again.

    A part is continued only by a strong proof that the rest is of the same file.
    """
    if part is not None and part.whole and part.validators.any:
        return Question(aim=Aim.STILL, headers=_unless(part.validators))
    strong = None if part is None else part.validators.strong
    if part is not None and part.size > 0 and not part.whole and strong is not None:
        headers = {"Range": f"bytes={part.size}-", "If-Range": strong}
        return Question(aim=Aim.REST, headers=headers)
    if known is not None and known.any:
        return Question(aim=Aim.NEWER, headers=_unless(known))
    return Question(aim=Aim.ALL, headers={})


def _unless(known: Validators) -> dict[str, str]:
    headers = {}
    if known.etag is not None:
        headers["If-None-Match"] = known.etag
    if known.last_modified is not None:
        headers["If-Modified-Since"] = known.last_modified
    return headers


def understand(
    question: Question,
    part: Part | None,
    status: int,
    headers: Mapping[str, str],
    length: int | None,
) -> Unchanged | Content | Useless:
    """
    An answer's meaning; ``headers`` by names in lower case, ``length`` is that of its body.

    :raises FetchError: it is none that helps; nothing but 200, 206 and 304 ever is.
    """
    if status == 304 and question.aim in (Aim.NEWER, Aim.STILL):
        return Unchanged()
    if status in (412, 416) and question.aim is Aim.REST:
        return Useless()
    if status not in (200, 206):
        raise FetchError(f"the server answers {status}{_meaning(status)}")
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise FetchError(f"the server encodes it ({encoding[:30]!r}) though it was asked not to")
    validators = validators_of(headers)
    if status == 200:
        return Content(offset=0, length=length, validators=validators)
    if question.aim is not Aim.REST or part is None:
        raise FetchError("the server gives a part (206), though all was asked for")
    return _rest(part, headers, length, validators)


def _rest(
    part: Part, headers: Mapping[str, str], length: int | None, validators: Validators
) -> Content | Useless:
    """Only exactly what is missing of exactly that file continues a part."""
    match = _RANGE.fullmatch(headers.get("content-range", "").strip())
    if match is None:
        return Useless()
    first, last = int(match[1]), int(match[2])
    total = last + 1 if match[3] == "*" else int(match[3])
    other_length = part.length is not None and total != part.length
    other_file = validators.etag is not None and validators.etag != part.validators.etag
    short = length is not None and length != last + 1 - first
    if first != part.size or last + 1 != total or other_length or other_file or short:
        return Useless()
    return Content(offset=first, length=total, validators=part.validators)


def validators_of(headers: Mapping[str, str]) -> Validators:
    """The validators of an answer, less what makes no sense."""
    etag = _plain(headers.get("etag"))
    if etag is not None and re.fullmatch(r'(W/)?"[^"]*"', etag) is None:
        etag = None
    modified, date = _plain(headers.get("last-modified")), headers.get("date", "")
    changed, now = seconds_of(modified or ""), seconds_of(date)
    return Validators(
        etag=etag,
        last_modified=modified if changed is not None else None,
        dated=changed is not None and now is not None and now - changed >= STRONG_SECONDS,
    )


def _plain(value: str | None) -> str | None:
    value = (value or "").strip()
    good = 0 < len(value) <= MAX_VALIDATOR and value.isascii() and value.isprintable()
    return value if good else None


_MEANINGS = {
    401: "it wants a password, and none is sent",
    403: "it does not allow this; see its permissions",
    404: "there is no such file; see the address",
    407: "the proxy wants a password",
    410: "it is gone for good; see the address",
    429: "it is asked too often",
    500: "something is wrong with it",
    502: "what is behind it does not answer",
    503: "it is out of service for now",
    504: "what is behind it does not answer",
}


def _meaning(status: int) -> str:
    meaning = _MEANINGS.get(status)
    return "" if meaning is None else f": {meaning}"
