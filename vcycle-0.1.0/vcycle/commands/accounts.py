"""What the commands of accounting share: the spool, the sites that are configured, messages."""

from __future__ import annotations

import argparse
import os
import sys

from attrs import frozen

from vcycle.core.accounting.places import submit_host
from vcycle.core.errors import VcycleError
from vcycle.core.table import clean
from vcycle.daemon.configuration import examine_files, places_of, this_host
from vcycle.store.apel.place import Place

CANNOT = 2
"""Exit status where the command could not begin its work."""


class CannotAccount(VcycleError):
    """There is no spool to work on; the text says why, and the cure."""


@frozen
class Desk:
    """
    The spool, and the sites' names of GOCDB that are configured, by submit host.

    None is a space without one.
    """

    place: Place
    sites: dict[str, str | None]


def desk_of(arguments: argparse.Namespace) -> Desk:
    """:raises CannotAccount: the configuration cannot be used, or nothing ever ran here."""
    configuration = examine_files(places_of(arguments.config), this_host()).configuration
    if configuration is None:
        raise CannotAccount("the configuration is not usable: see vcycle check")
    state_dir = configuration.settings.state_dir
    if not os.path.isdir(state_dir):
        raise CannotAccount(f"{state_dir} is not there: vcycled has not run on this host yet")
    sites = {
        submit_host(space.name, space.factory_name): space.gocdb_sitename
        for space in configuration.spaces.values()
    }
    return Desk(Place(state_dir), sites)


def refused(error: OSError, place: Place) -> str:
    """What the system said, and the cure where there is one that helps often."""
    cure = "; run this as root, or as the user of vcycled"
    told = f"{error.filename or place.state_dir}: {error.strerror or error}"
    return told + (cure if isinstance(error, PermissionError) else "")


def complain(command: str, text: object) -> None:
    """One line on the standard error."""
    print(f"vcycle {command}: {clean(str(text))}", file=sys.stderr)
