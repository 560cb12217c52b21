"""
``vcycle images``: the images that are kept here, fetched, verified and removed.

``list`` prints for programs one JSON object: ``{"version": 1, "directory", "images": [{"url",
"state", "confirmed_at", "problem", "fetched_bytes", "total_bytes", "versions": [{"path", "size",
"sha256", "signed_by", "fetched_at", "used_at", "used_by": [machine, …]}, …]}, …]}``; times are Unix
seconds, and what is not known is null.

The daemon and these commands change the cache under the same locks, each as it finds it, so
that either may run beside the other.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vcycle.commands.main import Subcommands
    from vcycle.core.config.model import Configuration

UNREAD = 2


def register(subcommands: Subcommands) -> None:
    images = subcommands.add_parser(
        "images",
        help="show, fetch, verify and remove images of the cache",
        description="Show the images of the cache, or what is said after images. Exit status: 0 if"
        " that was done and nothing is wrong, 1 if not, 2 if the configuration or the command"
        " line cannot be used.",
    )
    _add_config(images, None)
    _add_output(images, "table")
    images.set_defaults(run=_list, act="list", no_headers=False)
    acts = images.add_subparsers(
        title="what to do", dest="act", metavar="ACT", prog="vcycle images"
    )
    listing = acts.add_parser("list", help="show them, as without any ACT")
    _add_config(listing)
    _add_output(listing)
    listing.set_defaults(run=_list)
    for name, words in (
        ("fetch", "ask servers for the newest versions now"),
        ("verify", "read images again, and compare digests and signatures"),
    ):
        parser = acts.add_parser(name, help=words, description=_DESCRIPTIONS[name])
        parser.add_argument(
            "which",
            nargs="*",
            metavar="URL|MACHINETYPE",
            help="only this image, or those of this machinetype; without any all",
        )
        _add_config(parser)
        parser.set_defaults(run=_fetch if name == "fetch" else _verify)
    pruning = acts.add_parser(
        "prune", help="remove what is over the limits", description=_DESCRIPTIONS["prune"]
    )
    pruning.add_argument(
        "-n", "--dry-run", action="store_true", help="only say what would be removed"
    )
    _add_config(pruning)
    pruning.set_defaults(run=_prune)


_DESCRIPTIONS = {
    "fetch": "Ask the servers of images whether they have changed, and fetch what has, as the"
    " daemon would; it uses them from its next cycle on. Exit status: 0 if all of them are here"
    " and the newest, 1 if not.",
    "verify": "Read each version again: its SHA-256, and its signature where a machinetype asks for"
    " one. A version that was changed is used no more. Exit status: 0 if all are good, 1 if not.",
    "prune": "Remove versions over image_versions and image_cache_gb that no machine uses, the"
    " least recently used first, and leftovers; as the daemon does by itself now and then.",
}


def _add_config(parser: argparse.ArgumentParser, default: str | None = argparse.SUPPRESS) -> None:
    """What is given before an ACT stays, as an ACT has no default of its own."""
    parser.add_argument(
        "--config", metavar="FILE", default=default, help="read only this configuration"
    )


def _add_output(parser: argparse.ArgumentParser, default: str = argparse.SUPPRESS) -> None:
    parser.add_argument(
        "-o",
        "--output",
        choices=("table", "wide", "json", "name"),
        default=default,
        help="table, the default, or another; name prints paths",
    )
    parser.add_argument(
        "-J",
        "--json",
        dest="output",
        action="store_const",
        const="json",
        default=argparse.SUPPRESS,
        help="as -o json",
    )
    parser.add_argument(
        "--no-headers", action="store_true", default=argparse.SUPPRESS, help="rows only"
    )


def _configuration(arguments: argparse.Namespace) -> Configuration | None:
    from vcycle.daemon.configuration import examine_files, places_of, this_host

    configuration = examine_files(places_of(arguments.config), this_host()).configuration
    if configuration is None:
        print("vcycle images: the configuration is not usable: see vcycle check", file=sys.stderr)
    return configuration


def _list(arguments: argparse.Namespace) -> int:
    from vcycle.commands.ordering import failed
    from vcycle.commands.views.images import shown
    from vcycle.core.errors import VcycleError

    configuration = _configuration(arguments)
    if configuration is None:
        return UNREAD
    try:
        text, problems = shown(configuration.settings.state_dir, arguments)
    except VcycleError as error:
        return failed("images", error)
    sys.stdout.write(text)
    for problem in problems:
        failed("images", VcycleError(problem))
    return 1 if problems else 0


def _fetch(arguments: argparse.Namespace) -> int:
    from vcycle.commands.imagefetch import fetch

    configuration = _configuration(arguments)
    return UNREAD if configuration is None else fetch(configuration, arguments.which)


def _verify(arguments: argparse.Namespace) -> int:
    from vcycle.commands.imagecare import verify

    configuration = _configuration(arguments)
    return UNREAD if configuration is None else verify(configuration, arguments.which)


def _prune(arguments: argparse.Namespace) -> int:
    from vcycle.commands.imagecare import prune_all

    configuration = _configuration(arguments)
    return UNREAD if configuration is None else prune_all(configuration, arguments.dry_run)
