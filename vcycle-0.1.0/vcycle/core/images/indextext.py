"""The cache's index as text: JSON, of which whatever makes no sense counts as not there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from attrs import asdict

from vcycle.core.errors import FetchError
from vcycle.core.images.address import parse
from vcycle.core.images.exchange import MAX_VALIDATOR, Validators
from vcycle.core.images.index import Entry, Index, Refused, Version

VERSION = 1
MAX_TEXT = 16 << 20
MAX_ENTRIES = 10_000
MAX_VERSIONS = 1000
MAX_WORDS = 2000
MOST = 1e12
FILE = re.compile(r"[0-9A-Za-z_][0-9A-Za-z._+-]{0,200}", re.ASCII)
"""Names of versions' files: never hidden, never with a slash."""

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def encode(index: Index) -> str:
    """One line of ASCII."""
    entries = {url: asdict(entry) for url, entry in index.entries.items()}
    return json.dumps({"version": VERSION, "entries": entries}, sort_keys=True) + "\n"


def decode(text: str) -> Index:
    """
    The index in a text; an entry or version in it that makes no sense is left out.

    :raises ValueError: it is no index, or of a version that is not known here.
    """
    if len(text) > MAX_TEXT:
        raise ValueError(f"longer than {MAX_TEXT} characters")
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict) or not isinstance(value.get("entries"), dict):
        raise ValueError("no index of images")
    if value.get("version") != VERSION:
        raise ValueError(f"an index of version {value.get('version')!r:.20}, not {VERSION}")
    entries = {}
    for url, each in list(value["entries"].items())[:MAX_ENTRIES]:
        if isinstance(each, dict) and _is_url(url):
            entries[url] = _entry(each)
    return Index(entries=entries)


def _is_url(url: str) -> bool:
    try:
        return parse(url, allow_http=True).url == url
    except FetchError:
        return False


def _entry(value: Mapping[str, Any]) -> Entry:
    versions = value.get("versions")
    listed = versions[:MAX_VERSIONS] if isinstance(versions, list) else []
    found = {
        version.file: version
        for version in (_version(each) for each in listed if isinstance(each, dict))
        if version is not None
    }
    failures = _number(value.get("failures"))
    return Entry(
        versions=tuple(found.values()),
        confirmed_at=_number(value.get("confirmed_at")),
        tried_at=_number(value.get("tried_at")),
        failures=0 if failures is None else int(min(failures, 1000)),
        problem=_words(value.get("problem")),
        refused=_refused(value.get("refused")),
        seconds=_number(value.get("seconds")) or 0.0,
    )


def _version(value: Mapping[str, Any]) -> Version | None:
    file, sha256 = value.get("file"), _sha256(value.get("sha256"))
    size, fetched_at = _number(value.get("size")), _number(value.get("fetched_at"))
    if not isinstance(file, str) or FILE.fullmatch(file) is None or sha256 is None:
        return None
    if size is None or size != int(size) or fetched_at is None:
        return None
    return Version(
        file=file,
        sha256=sha256,
        size=int(size),
        validators=validators(value.get("validators")),
        fetched_at=fetched_at,
        used_at=_number(value.get("used_at")) or fetched_at,
        signed_by=_words(value.get("signed_by")),
        expected=_sha256(value.get("expected")),
    )


def _refused(value: object) -> Refused | None:
    if not isinstance(value, dict):
        return None
    sha256, needs = _sha256(value.get("sha256")), _sha256(value.get("needs"))
    if sha256 is None or needs is None:
        return None
    return Refused(
        validators=validators(value.get("validators")),
        sha256=sha256,
        needs=needs,
        reason=_words(value.get("reason")) or "it was refused before",
    )


def validators(value: object) -> Validators:
    """Validators as ``asdict`` makes them; what makes no sense is none."""
    if not isinstance(value, dict):
        return Validators()
    return Validators(
        etag=_header(value.get("etag")),
        last_modified=_header(value.get("last_modified")),
        dated=value.get("dated") is True,
    )


def _header(value: object) -> str | None:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_VALIDATOR:
        return None
    return value if value.isascii() and value.isprintable() else None


def _sha256(value: object) -> str | None:
    return value if isinstance(value, str) and _SHA256.fullmatch(value) else None


def _words(value: object) -> str | None:
    return value[:MAX_WORDS] if isinstance(value, str) and value.isprintable() else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if 0 <= value < MOST else None
