"""Reading the cache's images again, and removing what has to go."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence

from vcycle.commands.imagenames import chosen
from vcycle.commands.ordering import failed
from vcycle.core.config.model import Configuration, Settings
from vcycle.core.errors import FetchError, VcycleError
from vcycle.core.images.index import Index, Version
from vcycle.core.images.needs import Need
from vcycle.core.images.pruning import Pruning, prune
from vcycle.core.images.states import amount
from vcycle.daemon.instants import wall
from vcycle.images.files import digest
from vcycle.images.place import directory_in, verified
from vcycle.images.shelf import Shelf
from vcycle.store.inuse import images_in_use


def verify(configuration: Configuration, which: Sequence[str]) -> int:
    """Gives the command's exit status."""
    settings = configuration.settings
    shelf = Shelf(directory_in(settings.state_dir))
    bad = 0
    try:
        needs = chosen(configuration, which)
        for url, entry in shelf.read(mend=False).entries.items():
            if which and url not in needs:
                continue
            for version in entry.versions:
                problem = _changed(shelf, version)
                if problem is None:
                    problems = list(_unsigned(shelf, version, needs.get(url, ()), settings))
                else:
                    in_use = images_in_use(settings.state_dir)
                    # Where it is not known who lives on it, its file stays.
                    paths = (version.file,) if in_use is None else in_use
                    kept = {path.rpartition("/")[2] for path in paths}
                    shelf.forget({version.file}, kept)
                    problems = [f"{problem}; it is used no more"]
                bad += bool(problems)
                for line in problems or ["good"]:
                    print(f"{shelf.path(version.file)}: {line}", flush=True)
    except VcycleError as error:
        return failed("images verify", error)
    return 1 if bad else 0


def _changed(shelf: Shelf, version: Version) -> str | None:
    try:
        found = digest(shelf.path(version.file))
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if found == version.sha256:
        return None
    return f"its SHA-256 is {found}, and was {version.sha256} when it was fetched"


def _unsigned(
    shelf: Shelf, version: Version, needs: Iterable[Need], settings: Settings
) -> Iterator[str]:
    path = shelf.path(version.file)
    for need in sorted(needs):
        if need.signing_dn and need.refusal(version.sha256) is None:
            try:
                verified(path, need.signing_dn, settings.ca_directory, wall())
            except VcycleError as error:
                yield str(error)


def prune_all(configuration: Configuration, dry: bool) -> int:
    """Gives the command's exit status."""
    from vcycle.images.cache import PART_SECONDS
    from vcycle.images.fetching import Bounds

    settings = configuration.settings
    shelf, bounds = Shelf(directory_in(settings.state_dir)), Bounds.of(settings)
    try:
        paths = images_in_use(settings.state_dir)
        if paths is None:
            raise FetchError(
                "a machine's record cannot be read, so that it is not known which images are in"
                " use; nothing is removed; see vcycle orphans"
            )
        in_use = {path.rpartition("/")[2] for path in paths}

        def choose(index: Index) -> Pruning:
            keep, budget = bounds.versions, bounds.budget
            return prune(index, in_use, now=wall(), keep=keep, budget=budget)

        pruning = choose(shelf.read(mend=False)) if dry else shelf.prune(choose)[1]
        for removal in pruning.removals:
            size = amount(removal.version.size)
            print(f"{shelf.path(removal.version.file)}: {size}, as {removal.why}")
        for path in () if dry else shelf.sweep(in_use, wall() - PART_SECONDS):
            print(f"{path}: a leftover")
    except VcycleError as error:
        return failed("images prune", error)
    if pruning.short:
        print(
            f"vcycle images prune: what is in use is {amount(pruning.short)} over image_cache_gb",
            file=sys.stderr,
        )
    return 0
