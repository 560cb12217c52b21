"""For how long a copy of a document is used before it is fetched again."""

from __future__ import annotations

USUAL_SECONDS = 3600
LEAST_SECONDS = 60
MOST_SECONDS = 7 * 86400


def cache_seconds(own: int | None, documents: int | None) -> int:
    """The factory's own wish, else the document's, within bounds for its server's and our sake."""
    wish = own if own is not None else documents
    return min(max(USUAL_SECONDS if wish is None else wish, LEAST_SECONDS), MOST_SECONDS)
