"""Small JSON objects in files of their own."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from attrs import frozen

from vcycle.core.errors import StoreError
from vcycle.interfaces import RunInThread
from vcycle.store.atomic import Step, quietly, told, write_file
from vcycle.store.layout import Unreadable, read_bounded

MAX_OBJECT = 1 << 24


def read_object(path: str) -> Mapping[str, object]:
    """
    The object in a file; {} if there is no file.

    :raises Unreadable: it holds something else.
    :raises StoreError: it cannot be read.
    """
    try:
        with told(path):
            data = read_bounded(path, MAX_OBJECT + 1)
    except StoreError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return {}
        raise
    if len(data) > MAX_OBJECT:
        raise Unreadable(f"{path}: longer than {MAX_OBJECT} bytes")
    try:
        value = json.loads(data.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path}: not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Unreadable(f"{path}: not a JSON object")
    return value


def write_object(path: str, value: Mapping[str, object], step: Step = quietly) -> None:
    """
    Replace the object in a file, durably.

    :raises StoreError: it is as it was.
    """
    try:
        text = json.dumps(dict(value), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"{path}: cannot be written as JSON: {error}") from None
    if len(text) >= MAX_OBJECT:
        raise StoreError(f"{path}: more than {MAX_OBJECT} bytes are not kept; remember less")
    write_file(path, text.encode("ascii") + b"\n", step=step)


def set_aside(path: str) -> str:
    """Rename a damaged file so that it is out of the way and can be looked at; its new path."""
    aside = path + ".damaged"
    with told(path):
        os.replace(path, aside)
    return aside


@frozen
class ClockFile:
    """The last readings of the clocks, so that a step between two runs can be seen."""

    path: str
    in_thread: RunInThread

    async def read(self) -> Mapping[str, object]:
        """
        What was last written; {} if there is nothing, or nothing that makes sense.

        :raises StoreError: it cannot be read.
        """

        def read() -> Mapping[str, object]:
            try:
                return read_object(self.path)
            except Unreadable:
                # The next write replaces it; without it a step is missed, as on a first start.
                return {}

        return await self.in_thread(read)

    async def write(self, readings: Mapping[str, object]) -> None:
        """:raises StoreError: the former readings are still there."""
        await self.in_thread(lambda: write_object(self.path, readings))
