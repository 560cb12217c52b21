"""Finding and reading the configuration files. Everything here blocks: call it in a thread."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Callable

from attrs import Factory, frozen

from vcycle.core.config.build import Reading, examine
from vcycle.core.config.model import Configuration, Problem
from vcycle.core.config.syntax import MAX_TEXT
from vcycle.daemon.pipecopies import recall, urls_of

DIRECTORY = "/etc/vcycle.d"
MAIN = "/etc/vcycle.conf"
MOMENTARY = "/run/vcycle.conf"
MAX_FILES = 1000
MAX_BYTES = 4 * MAX_TEXT
MAX_ALL_BYTES = 16 * MAX_TEXT
_NONE: Mapping[str, bytes] = {}

Fingerprint = tuple[object, ...]
Texts = tuple[tuple[str, str], ...]
"""Pairs of a file's name and its text."""


@frozen(kw_only=True)
class Places:
    """
    Where configuration is looked for.

    ``files`` given by hand replace the whole standard order and must be there. In the standard
    order each part may be absent, but not all of them: a machine without any configuration has a
    problem.
    """

    files: tuple[str, ...] = ()
    directory: str = DIRECTORY
    main: str = MAIN
    momentary: str = MOMENTARY


def find(places: Places) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """The files to read, in reading order, and what kept us from finding more."""
    if places.files:
        return places.files[:MAX_FILES], ()
    problems: list[Problem] = []
    found: list[str] = []
    try:
        names = sorted(n for n in os.listdir(places.directory) if _counts(n))
    except FileNotFoundError:
        names = []
    except OSError as error:
        names = []
        problems.append(_unreadable(places.directory, error))
    if len(names) > MAX_FILES:
        text = f"{len(names)} files in it: at most {MAX_FILES} are read"
        problems.append(Problem(file=_told(places.directory), line=None, text=text))
    found += [os.path.join(places.directory, name) for name in names[:MAX_FILES]]
    found += [path for path in (places.main, places.momentary) if os.path.lexists(path)]
    if not found and not problems:
        text = f"no such file, and none in {places.directory}: write one, or name it by --config"
        problems.append(Problem(file=_told(places.main), line=None, text=text))
    return tuple(found), tuple(problems)


def _counts(name: str) -> bool:
    """Editors' and packagers' leavings begin with a dot or do not end with .conf."""
    return name.endswith(".conf") and not name.startswith(".")


@frozen(kw_only=True)
class Examined:
    """What was read, what it was read from, and the documents of its vacuum pipes, by URL."""

    reading: Reading
    texts: Texts
    documents: Mapping[str, bytes] = Factory(dict)


def kept_documents(configuration: Configuration) -> Mapping[str, bytes]:
    """The documents of a configuration's pipes as the daemon last kept them, if it did."""
    copies = recall(configuration.settings.state_dir, urls_of(configuration))
    return {url: copy.body for url, copy in copies.items()}


def examine_files(places: Places, host: str) -> Reading:
    """Read and judge all files; nothing is raised for what is wrong with any of them."""
    return examine_all(places, host).reading


def examine_all(
    places: Places,
    host: str,
    documents_of: Callable[[Configuration], Mapping[str, bytes]] = kept_documents,
) -> Examined:
    """As ``examine_files``, with the documents that ``documents_of`` a configuration gives."""
    texts, bad, exposed = read_exposed(places)
    reading = judge(texts, bad, host, exposed=exposed)
    documents = {} if reading.configuration is None else documents_of(reading.configuration)
    if documents:
        reading = judge(texts, bad, host, documents, exposed)
    return Examined(reading=reading, texts=texts, documents=documents)


def read_texts(places: Places) -> tuple[Texts, tuple[Problem, ...]]:
    """All files as pairs of name and text in reading order, and what cannot be read."""
    texts, problems, _ = read_exposed(places)
    return texts, problems


def read_exposed(places: Places) -> tuple[Texts, tuple[Problem, ...], frozenset[str]]:
    """As ``read_texts``, with the names of those files that every user of the host can read."""
    paths, problems = find(places)
    texts: list[tuple[str, str]] = []
    bad = list(problems)
    exposed: set[str] = set()
    room = MAX_ALL_BYTES
    for path in paths:
        text = _text(path, room, optional=path == places.momentary and not places.files)
        if isinstance(text, Problem):
            bad.append(text)
        elif text is not None:
            room -= len(text)
            texts.append((_told(path), text))
            if _is_exposed(path):
                exposed.add(_told(path))
    return tuple(texts), tuple(bad), frozenset(exposed)


def _is_exposed(path: str) -> bool:
    try:
        return bool(os.stat(path).st_mode & stat.S_IROTH)
    except (OSError, ValueError):
        return False


def judge(
    texts: Texts,
    bad: tuple[Problem, ...],
    host: str,
    documents: Mapping[str, bytes] = _NONE,
    exposed: Collection[str] = (),
) -> Reading:
    """What the texts say; no configuration if there is anything ``bad`` beside them."""
    reading = examine(texts, host, documents, exposed)
    if not bad:
        return reading
    if not texts:
        return Reading(configuration=None, problems=bad)
    return Reading(configuration=None, problems=(*bad, *reading.problems))


def fingerprint(places: Places) -> Fingerprint:
    """Equal to a former one exactly if no file has changed, come or gone; reads none of them."""
    paths, problems = find(places)
    return (*map(str, problems), *((path, *_identity(path)) for path in paths))


def _identity(path: str) -> Iterator[int]:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return
    yield from (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    yield from (status.st_ctime_ns, status.st_mode)


def _text(path: str, room: int, optional: bool) -> str | Problem | None:
    """A file's text, or what is wrong with it; None for an optional file that has just gone."""
    try:
        # Not blocking, so that a named pipe in the directory cannot hold us up.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                text = "not a file; remove it or name another"
                return Problem(file=_told(path), line=None, text=text)
            with open(descriptor, "rb", closefd=False) as file:
                content = file.read(MAX_BYTES + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError as error:
        return None if optional else _unreadable(path, error)
    except (OSError, ValueError) as error:
        return _unreadable(path, error)
    if len(content) > min(MAX_BYTES, room):
        text = f"too large: at most {min(MAX_BYTES, room)} bytes of it are read; split or shorten"
        return Problem(file=_told(path), line=None, text=text)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        text = f"byte 0x{byte:02x} is not UTF-8 text: save the file as UTF-8"
        return Problem(file=_told(path), line=line, text=text)


def _told(path: str) -> str:
    """A path as it can be printed anywhere, whatever bytes and controls are in it."""
    name = os.fsencode(path).decode("utf-8", "backslashreplace")
    return name if name.isprintable() else ascii(name)


def _unreadable(path: str, error: Exception) -> Problem:
    why = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return Problem(file=_told(path), line=None, text=f"cannot be read: {why}")


def this_host() -> str:
    """The host's own name, with its domain if that can be found; may ask the name service."""
    name = socket.gethostname()
    return name if "." in name else socket.getfqdn(name)


def places_of(config: str | Path | None, files: Sequence[str] = ()) -> Places:
    """
    What ``--config FILE`` and plain FILEs mean: only they are read, in the order given.

    With neither it is the standard order.
    """
    given = (*([str(config)] if config is not None else []), *files)
    return Places(files=given)
