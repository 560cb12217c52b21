"""All that finds images keeps the same promises."""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from tests.contracts.images import ImagesContract
from tests.inplace import in_place
from vcycle.images.cache import ImageCache
from vcycle.images.client import Client, Ways
from vcycle.images.copies import Copies
from vcycle.images.documents import Documents
from vcycle.images.fetching import Bounds, Fetching
from vcycle.images.found import FoundImages
from vcycle.images.local import LocalImages
from vcycle.images.patience import Waits
from vcycle.images.proofs import Proofs
from vcycle.images.shelf import Shelf
from vcycle.images.trust import Trust
from vcycle.testing.images import MemoryImages


class MemoryImagesTests(ImagesContract, SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = "/types/example-vm"
        self.memory = self.images = MemoryImages()

    def put(self, path: str, content: bytes) -> None:
        self.memory.files[f"{self.directory}/{path}"] = content


class LocalImagesTests(ImagesContract, SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = os.path.abspath(self.mktemp())
        os.makedirs(f"{self.directory}/files")
        self.images = LocalImages(in_place)

    def put(self, path: str, content: bytes) -> None:
        with open(f"{self.directory}/{path}", "wb") as file:
            file.write(content)


class FoundImagesTests(ImagesContract, SynchronousTestCase):
    """Images of this host beside a cache whose servers cannot be reached."""

    def setUp(self) -> None:
        self.directory = os.path.abspath(self.mktemp())
        os.makedirs(f"{self.directory}/files")
        clock = Clock()
        trust = Trust(None, in_place, clock.seconds, system=False)
        client = Client(None, clock, trust, Ways(agent="Vcycle"), _unreachable)
        proofs = Proofs(in_place, clock.seconds)
        fetching = Fetching(
            client=client,
            clock=clock,
            wall=clock.seconds,
            in_thread=in_place,
            shelf=Shelf(f"{self.directory}/imagecache"),
            proofs=proofs,
            bounds=Bounds(),
            boot="now",
            in_use=set,
            tell=_ignore,
        )
        self.images = FoundImages(
            cache=ImageCache(fetching=fetching, tell=_ignore),
            documents=Documents(
                client=client,
                clock=clock,
                wall=clock.seconds,
                in_thread=in_place,
                copies=Copies(f"{self.directory}/imagecache"),
                waits=Waits(),
                tell=_ignore,
            ),
            local=LocalImages(in_place),
            proofs=proofs,
            in_thread=in_place,
            check_seconds=lambda: 300.0,
        )

    def put(self, path: str, content: bytes) -> None:
        with open(f"{self.directory}/{path}", "wb") as file:
            file.write(content)


def _ignore(news: object) -> None:
    """Nobody listens."""


@implementer(IStreamClientEndpoint)
class _Nowhere:
    def connect(self, factory: object) -> Deferred[Any]:
        return fail(ConnectionRefusedError())


def _unreachable(host: str, port: int, seconds: float) -> IStreamClientEndpoint:
    return _Nowhere()
