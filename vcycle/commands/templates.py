"""What can be said of the templates of user_data that this user can read here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vcycle.core.config.model import Configuration, Machinetype, Problem, Space

MAX_NAMES = 10


def template_problems(configuration: Configuration) -> tuple[Problem, ...]:
    """
    Warnings of patterns that nothing stands for, and of options that no pattern asks for; an
    error where what is put into a template makes it longer than can be delivered.

    What is fetched, or cannot be read by this user, is left to the daemon, which tells the same.
    """
    return tuple(
        problem
        for space in configuration.spaces.values()
        for machinetype in space.machinetypes.values()
        for problem in _of(space, machinetype, configuration.settings.state_dir)
    )


def _of(space: Space, machinetype: Machinetype, state_dir: str) -> Iterator[Problem]:
    import os

    from vcycle.core.config.model import Problem
    from vcycle.core.templates import judge

    reference = machinetype.user_data
    if reference is None or "://" in reference or not machinetype.target_share:
        return
    own = os.path.join(state_dir, "machinetypes", machinetype.directory)
    path = os.path.join(own, "files", reference)
    template = _read(path)
    if template is None:
        return
    yield from _too_long(space, machinetype, path, template, own)
    verdict = judge(template, machinetype)
    if verdict.unknown:
        names = [f"##user_data_{name[:60]}##" for name in verdict.unknown]
        text = f"nothing stands for {_listed(names)}, which machines get without"
        yield Problem(file=path, line=None, text=f"{_title(machinetype)}: {text}", fatal=False)
    if verdict.unused:
        text = f"the template does not use {_listed(list(verdict.unused))}"
        yield Problem(file=path, line=None, text=f"{_title(machinetype)}: {text}", fatal=False)


def _too_long(
    space: Space, machinetype: Machinetype, path: str, template: bytes, own: str
) -> Iterator[Problem]:
    """As far as the files that are put into it can be read here; the others count for nothing."""
    from vcycle.commands.rendering import rendered
    from vcycle.core.config.model import Problem
    from vcycle.core.errors import ImageMissing, UserDataError
    from vcycle.images.local import find

    files: dict[str, bytes] = {}
    for name, reference in machinetype.user_data_files.items():
        if "://" in reference:
            continue
        try:
            body = _read(find(reference, own, machinetype.pipe is None))
        except ImageMissing:
            continue
        files[name] = body or b""
    try:
        rendered(space, machinetype, template, files)
    except UserDataError as error:
        yield Problem(file=path, line=None, text=f"{_title(machinetype)}: {error}")


def _title(machinetype: Machinetype) -> str:
    return f"user_data of [machinetype {machinetype.space} {machinetype.name}]"


def _listed(names: list[str]) -> str:
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def _read(path: str) -> bytes | None:
    import os
    import stat

    from vcycle.images.local import MAX_TEXT

    try:
        # Whatever it is, it is not waited for.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            return file.read(MAX_TEXT) if stat.S_ISREG(os.fstat(fd).st_mode) else None
    except OSError:
        return None
