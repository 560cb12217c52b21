"""The cookie that ties an answer to a question, and to the factory that was asked."""

from __future__ import annotations

import hashlib

from vcycle.core.vacquery.messages import Cookie


def cookie_for(salt: str, factory: str) -> str:
    """
    The cookie to send to a factory in a run of questions: all of the family make it so.

    ``salt`` is chosen anew, at random, for each run; ``factory`` is its name in full as
    configured, which is in lower case.
    """
    return hashlib.sha256(f"{salt}{factory}".encode()).hexdigest()


def answers(cookie: Cookie, factory: str, *, salt: str, asked: str) -> bool:
    """
    Is this cookie, in an answer that calls its sender ``factory``, that for ``asked``?

    Factories may write their names in capitals; they echo the cookie as it was sent.
    """
    return factory.lower() == asked.lower() and cookie == cookie_for(salt, asked)
