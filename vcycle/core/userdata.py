"""user_data: a machinetype's template with one machine's own values put into it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from vcycle.core.errors import UserDataError
from vcycle.core.machine import Record
from vcycle.core.metadata import Places

LIMIT = 1 << 20
"""
Most bytes that our own web server and CD-ROMs deliver; a provider may take less. EC2's own limit,
16 KiB, binds nobody here: it is one of Amazon's service, not of the path.
"""
SERVED = "user_data"
UNSERVED = "user_data.cd"
"""
Files of a machine's directory: what the web server gives it as user_data, and what only its CD-ROM
holds. Which of them there is was settled when the machine was made.
"""
_PATTERN = re.compile(rb"##user_data_([a-z0-9_,]*)##")
# The names that templates written before 2016 use, and those of HSF-TN-2016-04 as printed.
_ALIASES = {
    "vmtype": "machinetype",
    "vm_hostname": "machine_hostname",
    "vmlm_version": "manager_version",
    "vmlm_hostname": "manager_hostname",
    "manager_machinefeatures_url": "machinefeatures_url",
    "manager_jobfeatures_url": "jobfeatures_url",
    "manager_joboutputs_url": "joboutputs_url",
}
PROXY = "option_x509_proxy"
"""The pattern that stands for a machine's X.509 proxy, where its machinetype has one made."""

SHARED_DIRS = "shared_dirs"
"""The pattern that stands for how the directories shared with a machine are mounted in it."""

STANDARD = frozenset(
    {
        *("url", "root_image_url", "site", "space", "machinetype", "machine_hostname", "uuid"),
        *("manager_version", "manager_hostname"),
        *("machinefeatures_url", "jobfeatures_url", "joboutputs_url", "heartbeat_machines_url"),
        *_ALIASES,
    }
)
"""The names of all patterns that every machine itself has a value for, though it may be empty."""


def standard_patterns(
    record: Record,
    *,
    version: str,
    places: Places,
    template: str | None = None,
    root_image: str | None = None,
) -> dict[str, str]:
    """
    Everything that a machine itself stands for in its template, by the name between
    ``##user_data_`` and ``##``, old names included.

    ``version`` is Vcycle's; ``template`` and ``root_image`` are as configured, and count only
    where they are addresses of the web. What a machine has not is the empty text.
    """
    patterns = {
        "url": _web(template),
        "root_image_url": _web(root_image),
        "site": record.site or "",
        "space": record.space,
        "machinetype": record.machinetype,
        "machine_hostname": record.name,
        "manager_version": f"Vcycle {version}",
        "manager_hostname": record.factory,
        "machinefeatures_url": places.machinefeatures,
        "jobfeatures_url": places.jobfeatures,
        "joboutputs_url": places.joboutputs,
        "heartbeat_machines_url": f"{places.heartbeats}/{record.space}/{record.machinetype}",
        "uuid": record.uuid,
    }
    patterns.update((alias, patterns[name]) for alias, name in _ALIASES.items())
    return patterns


def substitute(
    template: bytes,
    patterns: Mapping[str, str],
    options: Mapping[str, str],
    files: Mapping[str, bytes],
    limit: int = LIMIT,
) -> bytes:
    """
    Put values in place of every ``##user_data_NAME##``, in one pass over the template's bytes:
    a value that itself holds a pattern stays as it is, and all other bytes are untouched.

    ``patterns`` answer by their whole name, and before all others. ``options`` answer to
    ``option_NAME``, ``files`` (their contents) to ``file_NAME`` and, where there is no such
    option, to ``option_NAME`` too. What nothing answers to is removed.

    :raises UserDataError: the result is over ``limit`` bytes.
    """

    def value(name: str) -> bytes:
        if name in patterns:
            return _bytes(patterns[name])
        kind, _, key = name.partition("_")
        if kind == "option" and key in options:
            return _bytes(options[key])
        if kind in ("option", "file") and key in files:
            return files[key]
        return b""

    def pieces() -> Iterator[bytes]:
        end = 0
        for match in _PATTERN.finditer(template):
            yield template[end : match.start()]
            yield value(match.group(1).decode("ascii"))
            end = match.end()
        yield template[end:]

    body = bytearray()
    for piece in pieces():
        body += piece
        if len(body) > limit:
            raise UserDataError(
                f"user_data is over {limit} bytes after its patterns were replaced; "
                "shorten the template, or the options and files put into it"
            )
    return bytes(body)


def asked(template: bytes) -> frozenset[str]:
    """The names of all patterns in a template."""
    return frozenset(match.group(1).decode("ascii") for match in _PATTERN.finditer(template))


def _bytes(text: str) -> bytes:
    """UTF-8; what was read from a file that is not UTF-8 becomes the bytes that it was."""
    return text.encode("utf-8", "surrogateescape")


def _web(reference: str | None) -> str:
    """The reference if it is an address of the web, else nothing."""
    return reference if reference and reference.startswith(("http://", "https://")) else ""
