"""
The texts of the last configuration that could be used, and the documents of its vacuum pipes,
kept where the state is.

A daemon that is started on files that cannot be used supervises with them. Everything here
blocks: call it in a thread, or before there are any.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

from vcycle.core.config.build import examine
from vcycle.core.config.findings import Findings
from vcycle.core.config.model import Configuration
from vcycle.core.config.options import find
from vcycle.core.config.syntax import parse
from vcycle.core.errors import StoreError
from vcycle.daemon.configuration import Texts
from vcycle.store.jsonfile import read_object, write_object
from vcycle.store.layout import Unreadable

NAME = "configuration.json"
VERSION = 1
_NONE: Mapping[str, bytes] = {}


def path_in(state_dir: str) -> str:
    """Where the texts are kept; only the daemon's user can read them, as they hold secrets."""
    return os.path.join(state_dir, NAME)


def keep(
    state_dir: str, texts: Texts, host: str = "", documents: Mapping[str, bytes] = _NONE
) -> None:
    """
    Keep the texts of a configuration that can be used, in place of the former ones, with which
    name of the host they could be, and the documents of its pipes by URL.

    :raises StoreError: the former ones are still there.
    """
    files = [list(pair) for pair in texts]
    write_object(
        path_in(state_dir),
        {
            "version": VERSION,
            "host": host,
            "files": files,
            "documents": {url: body.decode("utf-8") for url, body in documents.items()},
        },
    )


def recall(state_dir: str, host: str) -> Configuration | None:
    """
    The configuration that was kept there; None if there is none that can be used.

    The name that was kept with it wins over ``host``: the name service may be away just now,
    and machines are named after it.
    """
    try:
        content = read_object(path_in(state_dir))
    except (StoreError, Unreadable):
        return None
    texts = _texts(content)
    kept = content.get("host")
    host = kept if isinstance(kept, str) and kept else host
    documents = _documents(content)
    former = None if texts is None else examine(texts, host, documents).configuration
    # One that names another directory was copied here: it is not what this one's state is of.
    if former is None or not _same(former.settings.state_dir, state_dir):
        return None
    return former


def state_dir_of(texts: Texts) -> str:
    """The state_dir that files name which cannot be used as they are, or the default one."""
    return _setting(texts, "state_dir")


def log_directory_of(texts: Texts) -> str:
    """Their log_directory, in the same way."""
    return _setting(texts, "log_directory")


def _setting(texts: Texts, name: str) -> str:
    option = find("settings", name)
    assert option is not None, "the table has it"
    assert option.kind is not None, "it is no former option"
    found = {"": str(option.value_of_default())}
    findings = Findings([file for file, _ in texts])
    for file, text in texts:
        for block in parse(file, text, findings):
            for value in block.values:
                if value.option == option.name:
                    with suppress(ValueError):
                        found[block.kind] = option.kind.parse(value.text)
    return found.get("settings") or found.get("default") or found[""]


def _texts(content: Mapping[str, object]) -> Texts | None:
    files = content.get("files")
    if content.get("version") != VERSION or not isinstance(files, list):
        return None
    texts: list[tuple[str, str]] = []
    for pair in files:
        if not isinstance(pair, list) or len(pair) != 2:
            return None
        name, text = pair
        if not isinstance(name, str) or not isinstance(text, str):
            return None
        texts.append((name, text))
    return tuple(texts)


def _documents(content: Mapping[str, object]) -> dict[str, bytes]:
    found = content.get("documents")
    return {
        url: body.encode("utf-8", "surrogatepass")
        for url, body in (found.items() if isinstance(found, dict) else ())
        if isinstance(body, str)
    }


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
