"""What the first bytes of an image say: qcow2 or raw, and whether it may be trusted as a base."""

from __future__ import annotations

import struct

HEADER_BYTES = 104
_MAGIC = b"QFI\xfb"
_HEADER = struct.Struct(">4sIQ8xQ")
_FEATURES = struct.Struct(">Q")
_FEATURES_AT = 72
_DATA_FILE = 1 << 2


def virtual_size(header: bytes) -> int | None:
    """
    The size in bytes of the disk in a qcow2 image; None if this is not one, so a raw image.

    Never left to qemu's own guessing: whoever writes into a raw disk chooses its first bytes.

    :raises ValueError: the image leads to other files of the host, or cannot be read.
    """
    if not header.startswith(_MAGIC):
        return None
    if len(header) < HEADER_BYTES:
        raise ValueError("it is a qcow2 image cut short; fetch it again")
    _, version, backing_at, size = _HEADER.unpack_from(header)
    if version not in (2, 3):
        raise ValueError(f"it is a qcow2 image of version {version}; convert it to version 3")
    if backing_at:
        raise ValueError("it is a qcow2 image that has a backing file; convert it to a whole one")
    (features,) = _FEATURES.unpack_from(header, _FEATURES_AT)
    if version == 3 and features & _DATA_FILE:
        raise ValueError("it is a qcow2 image that has a data file; convert it to a whole one")
    return int(size)
