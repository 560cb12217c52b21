"""CD-ROMs that hold a few files, as the bytes of an ISO 9660 volume."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from vcycle.core.errors import DiskError
from vcycle.core.machine import Seed

MAX_FILES = 100
_PART = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,60}")


def volume(seed: Seed) -> bytes:
    """
    The volume, with the names of Rock Ridge and Joliet beside those of ISO 9660 itself.

    :raises DiskError: a name is unfit, or what writes volumes is not installed.
    """
    try:
        import pycdlib
    except ImportError:
        raise DiskError(
            "user_data_delivery by a CD-ROM needs pycdlib; install python3-pycdlib (Debian), or"
            " vcycle[iso] by pip"
        ) from None
    _refuse_unfit(seed)
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=3, rock_ridge="1.09", joliet=3, vol_ident=seed.label)
    try:
        plain: dict[str, str] = {}
        for number, directory in enumerate(sorted(_directories(seed))):
            above, _, name = directory.rpartition("/")
            plain[directory] = f"{plain.get(above, '')}/D{number}"
            iso.add_directory(plain[directory], rr_name=name, joliet_path=f"/{directory}")
        for number, (path, content) in enumerate(seed.files):
            above, _, name = path.rpartition("/")
            iso.add_fp(
                io.BytesIO(content),
                len(content),
                f"{plain.get(above, '')}/F{number}.;1",
                rr_name=name,
                joliet_path=f"/{path}",
            )
        written = io.BytesIO()
        iso.write_fp(written)
    except pycdlib.pycdlibexception.PyCdlibException as error:
        raise DiskError(f"the CD-ROM {seed.label} cannot be written: {error}") from error
    finally:
        iso.close()
    return written.getvalue()


def _refuse_unfit(seed: Seed) -> None:
    paths = [path for path, _ in seed.files]
    if len(paths) > MAX_FILES or len(set(paths)) != len(paths):
        raise DiskError(f"a CD-ROM holds at most {MAX_FILES} files, each with a name of its own")
    for path in (seed.label, *paths):
        if not all(_PART.fullmatch(part) for part in path.split("/")):
            raise DiskError(f"{path[:100]!r} is no name for a CD-ROM or a file on it")


def _directories(seed: Seed) -> Iterator[str]:
    """All directories above the files, each once."""
    known = set()
    for path, _ in seed.files:
        parts = path.split("/")[:-1]
        for end in range(1, len(parts) + 1):
            directory = "/".join(parts[:end])
            if directory not in known:
                known.add(directory)
                yield directory
