"""What ``twistd vcycle`` runs: options in, the daemon out."""

from __future__ import annotations

from pathlib import Path

from twisted.application.service import IService
from twisted.python import usage

from vcycle.daemon.configuration import places_of


def existing(text: str) -> Path:
    """twistd shows this message without the option's name, so it is in the text."""
    path = Path(text)
    if not path.is_file():
        raise ValueError(f"--config {text}: no such file")
    return path


class Options(usage.Options):
    """Options of the daemon; all else is in the configuration."""

    synopsis = "[--config FILE]"
    optParameters = [
        ["config", "c", None, "Read this file alone, not the standard ones.", existing],
    ]


def makeService(options: Options) -> IService:
    """Build everything; open, bind and start nothing."""
    from twisted.internet import reactor

    from vcycle.daemon.service import daemon_of

    return daemon_of(reactor, places_of(options["config"]))
