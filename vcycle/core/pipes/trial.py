"""What would come of a document, where nothing but its pipe were configured."""

from __future__ import annotations

from attrs import frozen

from vcycle.core.config.build import examine
from vcycle.core.config.model import Machinetype
from vcycle.core.pipes.document import decode
from vcycle.core.pipes.freshness import cache_seconds

TOTAL = 100.0
"""The pipe's share: those of its machinetypes are per cent of it."""

_SPACE = "space.example.com"
_URL = "https://pipes.example.com/tried.pipe"
_TEXT = f"""\
[settings]
vcycle_space = {_SPACE}
factory_name = factory1.example.com
processors_per_superslot = 1000000
allow_http = {{allow_http}}
[vacuum_pipe {{name}}]
vacuum_pipe_url = {_URL}
target_share = {TOTAL}
"""


@frozen(kw_only=True)
class Trial:
    """
    ``errors`` are the machinetypes that are left out, and why; ``warnings`` what else cannot have
    been meant. ``cache_seconds`` is how long the document would be used.
    """

    machinetypes: tuple[Machinetype, ...]
    cache_seconds: int
    errors: tuple[str, ...]
    warnings: tuple[str, ...]


def try_out(body: bytes, name: str, allow_http: bool = False) -> Trial:
    """
    Expand a document as that of the pipe ``name``, which is a good name of one, and find all that
    is wrong with it.

    :raises PipeError: nothing in it can be used.
    """
    document = decode(body)
    text = _TEXT.format(name=name, allow_http="true" if allow_http else "false")
    reading = examine([("", text)], "factory1.example.com", {_URL: body}, most_told=None)
    assert reading.configuration is not None, reading.problems
    errors: list[str] = []
    warnings: list[str] = []
    header = f"[vacuum_pipe {name}] "
    for problem in reading.problems:
        if problem.file == _URL:
            line = problem.text[len(header) :]
            (errors if " is left out: " in line else warnings).append(line)
    return Trial(
        machinetypes=tuple(reading.configuration.spaces[_SPACE].machinetypes.values()),
        cache_seconds=cache_seconds(None, document.cache_seconds),
        errors=tuple(errors),
        warnings=tuple(warnings),
    )
