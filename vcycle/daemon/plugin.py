"""What ``twistd vcycle`` runs: options in, the daemon out."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.application.service import IService
from twisted.python import usage

from vcycle import __version__
from vcycle.daemon.configuration import places_of

LIBVIRT_LOG = "4:file:/dev/null"
"""libvirt raises what it also logs, and it logs as errors what is none, such as a machine's end."""


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

    def opt_version(self) -> None:
        """Display Vcycle's version and exit."""
        print(f"Vcycle {__version__}")
        raise SystemExit(0)


def makeService(options: Options) -> IService:
    """Build everything; open, bind and start nothing."""
    # Read when libvirt is first imported.
    os.environ.setdefault("LIBVIRT_LOG_OUTPUTS", LIBVIRT_LOG)

    from twisted.internet import reactor

    from vcycle.daemon.service import daemon_of

    return daemon_of(reactor, places_of(options["config"]))
