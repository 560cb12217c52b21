"""What a configuration names and is elsewhere: reached, and templates rendered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from vcycle.core.config.model import Configuration, Machinetype, Problem, Settings, Space
from vcycle.core.errors import UserDataError

if TYPE_CHECKING:
    from vcycle.daemon.reaching import Reached

IMAGES = ("root_image", "kernel", "initrd")
MAX_TEMPLATE = 1 << 24
_FILE = "user_data_file_"


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
        yield f"{_FILE}{name}", reference


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
        from vcycle.commands.rendering import rendered

        template = contents.pop("user_data")
        files = {option[len(_FILE) :]: body for option, body in contents.items()}
        try:
            size = len(rendered(space, machinetype, template, files))
        except UserDataError as error:
            yield f"user_data cannot be rendered: {error}", True
        else:
            proxy = ", and a proxy" if machinetype.user_data_proxy else ""
            yield f"user_data rendered: {_size(size)}{proxy}", False


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
    own = option.startswith(_FILE) and machinetype.pipe is None
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
