"""What the monitoring asks of other parts of the daemon."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from typing import Callable

from attrs import frozen

from vcycle.core.accounting.waiting import Waiting
from vcycle.core.config.model import Space
from vcycle.interfaces import RunInThread
from vcycle.threads import PrivateThreads

Row = Mapping[str, object]


@frozen(kw_only=True)
class Others:
    """
    What other parts of the daemon tell when they are asked. ``spaces`` are all that are to run,
    each with what keeps its cycles from ending, None if nothing does. ``responder`` is whether
    other factories are heard, and ``answers`` whether they are answered about a space, None where
    they need not be; ``images`` has for each image at least
    ``image`` (what it is called), ``confirmed_at`` and ``problem``; ``waiting`` are the accounting
    records that were not sent yet; ``problems`` are the daemon's, of no space.
    """

    spaces: Callable[[], Iterable[tuple[Space, str | None]]] = tuple
    responder: Callable[[], bool | None] = lambda: None
    answers: Callable[[str], bool | None] = lambda space: None
    queries: Callable[[], Mapping[str, int]] = dict
    hung: Callable[[], Mapping[str, int]] = dict
    images: Callable[[], Iterable[Row]] = tuple
    waiting: Callable[[], Awaitable[Waiting]] | None = None
    problems: Callable[[], Iterable[str]] = tuple


def hung(pools: Mapping[str, RunInThread]) -> dict[str, int]:
    """How many threads of each pool were given up."""
    return {name: pool.hung for name, pool in pools.items() if isinstance(pool, PrivateThreads)}
