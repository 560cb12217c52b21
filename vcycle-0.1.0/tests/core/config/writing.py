"""Small configurations for tests, as text."""

from __future__ import annotations

from vcycle.core.config.build import examine, read
from vcycle.core.config.model import Configuration, Machinetype, Space

HOST = "factory1.example.com"
SPACE = "vcycle01.example.com"
SETTINGS = f"[settings]\nvcycle_space = {SPACE}\n"
MACHINETYPE = "[machinetype atlas]\ntarget_share = 1\nroot_image = atlas.img\n"


def configuration(text: str, host: str = HOST) -> Configuration:
    """Of one file."""
    return read([("vcycle.conf", text)], host)


def told(*texts: str, host: str = HOST) -> list[str]:
    """All problems of some files, as a.conf:1: text."""
    files = [(f"{chr(97 + index)}.conf", text) for index, text in enumerate(texts)]
    return [str(problem) for problem in examine(files, host).problems]


def space_of(settings: str = "", machinetype: str = "") -> Space:
    """The space of a small configuration with more in its sections."""
    text = f"{SETTINGS}{settings}\n{MACHINETYPE}{machinetype}\n"
    return configuration(text).spaces[SPACE]


def machinetype_of(lines: str = "", settings: str = "") -> Machinetype:
    """The machinetype of a small configuration with more in its sections."""
    return space_of(settings, lines).machinetypes["atlas"]
