"""Images, templates and pipes' documents as a service: built from the settings, kept in order."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from vcycle import __version__
from vcycle.core.config.model import Settings
from vcycle.core.errors import VcycleError
from vcycle.core.images.news import News, Trouble
from vcycle.core.images.proxies import proxies
from vcycle.core.images.states import row_of
from vcycle.daemon import clocks
from vcycle.images.authorities import default_directory
from vcycle.images.cache import ImageCache
from vcycle.images.client import Client, Connect, Ways
from vcycle.images.copies import Copies
from vcycle.images.documents import Documents
from vcycle.images.fetching import Bounds, Fetching
from vcycle.images.found import FoundImages
from vcycle.images.local import LocalImages
from vcycle.images.place import directory_in, verified
from vcycle.images.proofs import Proofs
from vcycle.images.shelf import Shelf
from vcycle.images.trust import Trust
from vcycle.store.inuse import images_in_use
from vcycle.threads import IThreadsReactor, PrivateThreads

THREADS = 4
PROOF_THREADS = 2
"""For what reads whole images, for minutes: the cycle's own short looks must not wait for it."""

SECONDS = 60.0
REPLACEMENTS = 4
TIDY_SECONDS = 1800.0
FIRST_TIDY_SECONDS = 120.0
COPY_SECONDS = 30 * 86_400.0
"""How long the copy of a template or pipe is kept that nobody names any more."""

IMAGES = "/v1/images"

RELOADED = (
    *("ca_directory", "allow_http", "https_proxy", "no_proxy", "image_check_seconds"),
    *("image_stall_seconds", "image_total_seconds", "image_max_gb", "image_cache_gb"),
    "image_versions",
)
"""Settings that take effect at once; a download under way goes on as it began."""


def _silent(news: News) -> None:
    """Whoever uses the documents of pipes tells of them."""


def _unpiped() -> None:
    """What is called for pipes where nobody reads them."""


class Imaging(Service):
    """
    ``images`` are for machines, ``documents`` for vacuum pipes. ``tell`` hears what an operator
    may want to know; ``woken`` is called when what was missing may be here, ``piped`` when a
    pipe's document is another. ``connect`` is how to connect to servers, where not as everybody
    does.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        settings: Settings,
        *,
        tell: Callable[[News], None],
        woken: Callable[[], None],
        piped: Callable[[], None] = _unpiped,
        connect: Connect | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._reactor: IThreadsReactor = reactor
        self._state_dir = settings.state_dir
        self._tell = tell
        self._environment = os.environ if environment is None else environment
        self._authorities = settings.ca_directory
        self._trouble: str | None = None
        self._check_seconds = float(settings.image_check_seconds)
        self.threads = PrivateThreads(reactor, "images", THREADS, SECONDS, REPLACEMENTS)
        self.proving = PrivateThreads(reactor, "proofs", PROOF_THREADS, SECONDS, REPLACEMENTS)
        self._client = Client(
            reactor, reactor, self._trust(settings), self._ways(settings), connect
        )
        directory = directory_in(settings.state_dir)
        proofs = Proofs(self.proving, clocks.wall, self._verify, woken)
        fetching = Fetching(
            client=self._client,
            clock=reactor,
            wall=clocks.wall,
            in_thread=self.threads,
            shelf=Shelf(directory),
            proofs=proofs,
            bounds=Bounds.of(settings),
            boot=clocks.reading().boot,
            in_use=self._in_use,
            tell=tell,
        )
        self.cache = ImageCache(fetching=fetching, tell=tell, woken=woken)
        self._copies = Copies(directory)
        documents = functools.partial(
            Documents,
            client=self._client,
            clock=reactor,
            wall=clocks.wall,
            in_thread=self.threads,
            copies=self._copies,
            waits=fetching.bounds.waits,
        )
        self._templates = documents(tell=tell, woken=woken)
        self.documents = documents(tell=_silent, woken=piped)
        self.images = FoundImages(
            cache=self.cache,
            documents=self._templates,
            local=LocalImages(self.threads),
            proofs=proofs,
            in_thread=self.threads,
            check_seconds=lambda: self._check_seconds,
        )
        self._tidying = LoopingCall(self.tidy)
        self._tidying.clock = reactor
        self._first: Any = None

    def startService(self) -> None:
        super().startService()
        self.threads.startService()
        self.proving.startService()
        self._first = self._reactor.callLater(FIRST_TIDY_SECONDS, self._tidying.start, TIDY_SECONDS)

    def stopService(self) -> Deferred[None] | None:
        super().stopService()
        if self._first is not None and self._first.active():
            self._first.cancel()
        if self._tidying.running:
            self._tidying.stop()
        self.threads.stopService()
        self.proving.stopService()
        return None

    def configure(self, settings: Settings) -> None:
        """From now on it is as these settings say; a download under way goes on as it began."""
        self._authorities = settings.ca_directory
        self._check_seconds = float(settings.image_check_seconds)
        self._client.ways = self._ways(settings)
        trust = self._trust(settings)
        if trust.directory != self._client.trust.directory:
            self._client.trust = trust
        bounds = Bounds.of(settings)
        self.cache.fetching.bounds = bounds
        self._templates.waits = self.documents.waits = bounds.waits

    def forgive(self) -> None:
        """What failed may be tried again at once: an administrator says so."""
        self.cache.forgive()
        self._templates.forgive()
        self.documents.forgive()

    async def tidy(self) -> None:
        """Write down what was used, and remove what has to go."""
        try:
            await self.cache.tidy()
            urls = self._templates.urls() | self.documents.urls()
            await self.threads(lambda: self._copies.sweep(urls, clocks.wall() - COPY_SECONDS))
            self._trouble = None
        except VcycleError as error:
            if str(error) != self._trouble:
                self._tell(Trouble(text=str(error)))
            self._trouble = str(error)
        except Exception:
            self._log.failure("the cache of images could not be tidied")

    def rows(self) -> tuple[Mapping[str, object], ...]:
        """Each image as it is known now, for those who watch."""
        return tuple(row_of(status) for status in self.cache.status())

    def content(self, path: str) -> bytes | None:
        """The document at a path of the daemon's socket; None if it is another's."""
        if path != IMAGES:
            return None
        document = {"version": 1, "written": round(clocks.wall(), 3), "images": self.rows()}
        return json.dumps(document).encode("ascii")

    def _in_use(self) -> Collection[str] | None:
        return images_in_use(self._state_dir)

    def _verify(self, path: str, expression: str) -> str:
        return verified(path, expression, self._authorities, clocks.wall())

    def _ways(self, settings: Settings) -> Ways:
        return ways_of(settings, self._environment)

    def _trust(self, settings: Settings) -> Trust:
        return Trust(ca_directory_of(settings), self.threads, clocks.monotonic)


def ways_of(settings: Settings, environment: Mapping[str, str]) -> Ways:
    """How servers are reached."""
    return Ways(
        agent=f"Vcycle {__version__}",
        proxies=proxies(settings.https_proxy, settings.no_proxy, environment),
        allow_http=settings.allow_http,
    )


def ca_directory_of(settings: Settings) -> str | None:
    """The directory of authorities: what is configured, or the usual one where it is there."""
    if settings.ca_directory is not None:
        return settings.ca_directory
    usual = default_directory(None)
    return usual if Path(usual).is_dir() else None
