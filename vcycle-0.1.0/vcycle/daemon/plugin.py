"""What ``twistd vcycle`` runs: options in, the daemon out."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from twisted.application.service import IService
from twisted.python import usage

from vcycle import __version__
from vcycle.daemon.configuration import places_of

if TYPE_CHECKING:
    from vcycle.daemon.logfiles import LogKeeper

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

    return daemon_of(reactor, places_of(options["config"]), log=_log_keeper())


def _log_keeper() -> LogKeeper | None:
    """Files for the log, unless its lines go where others keep them."""
    from twisted.logger import globalLogPublisher

    from vcycle.daemon.logfiles import LogFiles, LogKeeper
    from vcycle.daemon.logs import Where, filtered, is_debugging, where

    found = where(os.environ, sys.__stdout__)
    if found not in (Where.FILES, Where.BOTH):
        return None

    def complain(text: str) -> None:
        # What is shown on the standard output anyway need not be said twice.
        if (found is Where.FILES or text.startswith("vcycled: ")) and sys.__stderr__ is not None:
            with suppress(OSError, ValueError):
                sys.__stderr__.write(text)
                sys.__stderr__.flush()

    files = LogFiles(complain)
    return LogKeeper(files, filtered(files, debug=is_debugging()), globalLogPublisher.addObserver)
