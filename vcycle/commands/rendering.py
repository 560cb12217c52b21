"""user_data as a machine would get it, before there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vcycle.core.config.model import Machinetype, Space
from vcycle.core.userdata import PROXY, SHARED_DIRS, standard_patterns, substitute

if TYPE_CHECKING:
    from vcycle.core.machine import Record

# Others, below the secret of a machine, are some characters longer.
_BASE = "http://169.254.169.254"


def rendered(
    space: Space, machinetype: Machinetype, template: bytes, files: Mapping[str, bytes]
) -> bytes:
    """
    The template with a first machine's values in it, and without what only the daemon can make:
    an X.509 proxy, which is some kilobytes more, and the lines that mount shared directories.

    :raises UserDataError: it is more than can be delivered.
    """
    from vcycle import __version__
    from vcycle.core.metadata import Places

    patterns = standard_patterns(
        _example(space, machinetype),
        version=__version__,
        places=Places.below(_BASE),
        template=machinetype.user_data,
        root_image=machinetype.root_image,
    )
    patterns[SHARED_DIRS] = ""
    if machinetype.user_data_proxy:
        patterns[PROXY] = ""
    return substitute(template, patterns, machinetype.user_data_options, files)


def _example(space: Space, machinetype: Machinetype) -> Record:
    from vcycle.core.addresses import slot_name
    from vcycle.core.machine import Limits, Record

    return Record(
        uuid="00000000-0000-4000-8000-000000000000",
        name=slot_name(space.factory_name, 0),
        slot=0,
        space=space.name,
        factory=space.factory_name,
        machinetype=machinetype.name,
        model=machinetype.machine_model,
        processors=machinetype.min_processors,
        memory_mb=machinetype.min_processors * space.mb_per_processor,
        limits=Limits(
            fizzle_seconds=machinetype.fizzle_seconds,
            max_wallclock_seconds=machinetype.max_wallclock_seconds,
        ),
        secret="-",  # noqa: S106 - it is no machine's
        born=0,
        requested_at=0.0,
        shutdown_time=0.0,
        site=space.site,
    )
