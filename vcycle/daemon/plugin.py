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


class Options(usage.Options):
    """
    Options of the daemon; all else is in the configuration.

    A file that is not there is no wrong option: it is a configuration that cannot be used, and
    the last good one supervises.
    """

    synopsis = "[--config FILE]"
    optParameters = [
        ["config", "c", None, "Read this file alone, not the standard ones.", Path],
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
