"""All that finds images keeps the same promises."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from tests.contracts.images import ImagesContract
from tests.inplace import in_place
from vcycle.images.local import LocalImages
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
