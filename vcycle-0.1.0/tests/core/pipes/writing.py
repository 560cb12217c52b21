"""Small documents for tests, and what comes of them."""

from __future__ import annotations

import json
from pathlib import Path

from vcycle.core.config.build import Reading, examine
from vcycle.core.config.model import Machinetype

VECTORS = Path(__file__).parent.parent / "vectors" / "pipes"
HOST = "factory1.example.com"
SPACE = "vcycle01.example.com"
URL = "https://pipes.example.com/exvo.pipe"
SETTINGS = f"[settings]\nvcycle_space = {SPACE}\nprocessors_per_superslot = 8\n"
PIPE = f"[vacuum_pipe exvo]\nvacuum_pipe_url = {URL}\ntarget_share = 8\n"


def one(**options: object) -> bytes:
    """A document of one machinetype, that is good but for these options."""
    item = {"suffix": "x", "root_image": "img.iso", "target_share": 1.0, **options}
    return document(item)


def document(*items: object, **more: object) -> bytes:
    """A document of these machinetypes."""
    return json.dumps({"machinetypes": items, **more}).encode("utf-8")


def reading(body: bytes, text: str = SETTINGS + PIPE) -> Reading:
    """A configuration with a pipe, whose document is this."""
    return examine([("vcycle.conf", text)], HOST, {URL: body})


def expanded(body: bytes, text: str = SETTINGS + PIPE) -> dict[str, Machinetype]:
    """The machinetypes of that configuration, by name."""
    found = reading(body, text)
    assert found.configuration is not None, found.problems
    return dict(found.configuration.spaces[SPACE].machinetypes)


def told(body: bytes, text: str = SETTINGS + PIPE) -> list[str]:
    """All problems of that configuration; those of the document without its address."""
    prefix = f"{URL}: [vacuum_pipe exvo] "
    return [str(problem).replace(prefix, "") for problem in reading(body, text).problems]
