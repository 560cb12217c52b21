"""Lines about what administrators order of the running daemon."""

from __future__ import annotations

from vcycle.daemon.events.line import Operator

_log = Operator()


def ordered(who: str, what: str) -> None:
    """Somebody who may gave an order over the control socket; ``who`` as the kernel knows them."""
    _log.info("Ordered by {who}: {what}", event="ordered", who=who, what=what)
