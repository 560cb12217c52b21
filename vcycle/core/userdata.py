"""user_data: a machinetype's template with one machine's own values put into it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from attrs import field, frozen

from vcycle.core.errors import UserDataError
from vcycle.core.machine import Record
from vcycle.core.metadata import Places

LIMIT = 16 * 1024 * 1024
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


@frozen(kw_only=True)
class Result:
    """
    What came of a template. ``unknown`` names the patterns that were removed because nothing
    stood for them, ``unused`` the options and files that the template never asks for.
    """

    body: bytes = field(repr=False)
    unknown: tuple[str, ...]
    unused: tuple[str, ...]


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
) -> Result:
    """
    Put values in place of every ``##user_data_NAME##``, in one pass over the template's bytes:
    a value that itself holds a pattern stays as it is, and all other bytes are untouched.

    ``patterns`` answer by their whole name, and before all others. ``options`` answer to
    ``option_NAME``, ``files`` (their contents) to ``file_NAME`` and, where there is no such
    option, to ``option_NAME`` too. What nothing answers to is removed.

    :raises UserDataError: the result is over ``limit`` bytes.
    """
    unknown: dict[str, None] = {}
    unused = {f"option_{key}" for key in options} | {f"file_{key}" for key in files}

    def value(name: str) -> bytes:
        if name in patterns:
            return _bytes(patterns[name])
        kind, _, key = name.partition("_")
        if kind == "option" and key in options:
            unused.discard(name)
            return _bytes(options[key])
        if kind in ("option", "file") and key in files:
            unused.discard(f"file_{key}")
            return files[key]
        unknown[name] = None
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
    return Result(body=bytes(body), unknown=tuple(unknown), unused=tuple(sorted(unused)))


def _bytes(text: str) -> bytes:
    """UTF-8; what was read from a file that is not UTF-8 becomes the bytes that it was."""
    return text.encode("utf-8", "surrogateescape")


def _web(reference: str | None) -> str:
    """The reference if it is an address of the web, else nothing."""
    return reference if reference and reference.startswith(("http://", "https://")) else ""
