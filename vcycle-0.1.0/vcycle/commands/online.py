"""What a configuration names and is elsewhere: reached, and templates rendered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from vcycle.core.config.model import Configuration, Machinetype, Problem, Settings, Space

if TYPE_CHECKING:
    from vcycle.core.machine import Record
    from vcycle.daemon.reaching import Reached

IMAGES = ("root_image", "kernel", "initrd")
MAX_TEMPLATE = 1 << 24


@frozen(kw_only=True)
class Looked:
    """``lines`` tell what is there and how large; ``problems`` what is not."""

    lines: tuple[str, ...]
    problems: tuple[Problem, ...]


def look_online(configuration: Configuration) -> Looked:
    """Ask every server that the configuration names once, and look at every file."""
    from vcycle.daemon.reaching import reach

    lines: list[str] = []
    problems: list[Problem] = []
    found = reach(_urls(configuration), configuration.settings, MAX_TEMPLATE)
    for space in configuration.spaces.values():
        for machinetype in space.machinetypes.values():
            if machinetype.target_share > 0:
                for text, wrong in _of(space, machinetype, configuration.settings, found):
                    title = f"[machinetype {space.name} {machinetype.name}] {text}"
                    if wrong:
                        problems.append(Problem(file="--online", line=None, text=title))
                    else:
                        lines.append(title)
    return Looked(lines=tuple(lines), problems=tuple(problems))


def _images(machinetype: Machinetype) -> Iterator[tuple[str, str]]:
    for option in IMAGES:
        reference = getattr(machinetype, option)
        if reference is not None:
            yield option, reference


def _texts(machinetype: Machinetype) -> Iterator[tuple[str, str]]:
    if machinetype.user_data is not None:
        yield "user_data", machinetype.user_data
    for name, reference in machinetype.user_data_files.items():
        yield f"user_data_file_{name}", reference


def _urls(configuration: Configuration) -> dict[str, bool]:
    """Addresses, and whether what is there is wanted."""
    urls: dict[str, bool] = {}
    for space in configuration.spaces.values():
        for machinetype in space.machinetypes.values():
            if machinetype.target_share <= 0:
                continue
            for _, reference in _images(machinetype):
                if "://" in reference:
                    urls.setdefault(reference, False)
            for _, reference in _texts(machinetype):
                if "://" in reference:
                    urls[reference] = True
    return urls


def _of(
    space: Space, machinetype: Machinetype, settings: Settings, found: Mapping[str, Reached]
) -> Iterator[tuple[str, bool]]:
    """What is to be told of one machinetype, and whether that is a problem."""
    for option, reference in _images(machinetype):
        seen = _look(option, reference, machinetype, settings, found)
        yield _told(f"{option} {reference}", seen), seen.problem is not None
    contents: dict[str, bytes] = {}
    for option, reference in _texts(machinetype):
        seen = _look(option, reference, machinetype, settings, found)
        yield _told(f"{option} {reference}", seen), seen.problem is not None
        if seen.body is not None:
            contents[option] = seen.body
    if "user_data" in contents:
        yield _rendered(space, machinetype, contents)


def _look(
    option: str,
    reference: str,
    machinetype: Machinetype,
    settings: Settings,
    found: Mapping[str, Reached],
) -> Reached:
    import os
    import stat

    from vcycle.core.errors import ImageMissing
    from vcycle.daemon.reaching import Reached
    from vcycle.images.local import find

    if "://" in reference:
        return found[reference]
    wanted = option not in IMAGES
    own = option.startswith("user_data_file_") and machinetype.pipe is None
    directory = os.path.join(settings.state_dir, "machinetypes", machinetype.directory)
    try:
        path = find(reference, directory, own)
    except ImageMissing as error:
        return Reached(problem=str(error))
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                return Reached(problem="no file")
            body = file.read(MAX_TEMPLATE) if wanted else None
            return Reached(size=status.st_size, body=body)
    except OSError as error:
        return Reached(problem=f"{error.strerror}; put the file at {path}")


def _told(what: str, seen: Reached) -> str:
    if seen.problem is not None:
        return f"{what}: {seen.problem}"
    return f"{what}: {'of a length that is not told' if seen.size is None else _size(seen.size)}"


def _size(size: int) -> str:
    return f"{size} bytes" if size < 10**6 else f"{size / 10**6:.1f} MB"


def _rendered(
    space: Space, machinetype: Machinetype, contents: Mapping[str, bytes]
) -> tuple[str, bool]:
    """How large user_data is for a machine; an X.509 proxy adds some kilobytes."""
    from vcycle import __version__
    from vcycle.core.errors import UserDataError
    from vcycle.core.metadata import Places
    from vcycle.core.userdata import PROXY, standard_patterns, substitute

    patterns = standard_patterns(
        _example(space, machinetype),
        version=__version__,
        places=Places.below("http://169.254.169.254"),
        template=machinetype.user_data,
        root_image=machinetype.root_image,
    )
    if machinetype.user_data_proxy:
        patterns[PROXY] = ""
    prefix = "user_data_file_"
    files = {
        name[len(prefix) :]: body for name, body in contents.items() if name.startswith(prefix)
    }
    try:
        body = substitute(contents["user_data"], patterns, machinetype.user_data_options, files)
    except UserDataError as error:
        return f"user_data cannot be rendered: {error}", True
    proxy = ", and a proxy" if machinetype.user_data_proxy else ""
    return f"user_data rendered: {_size(len(body))}{proxy}", False


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
