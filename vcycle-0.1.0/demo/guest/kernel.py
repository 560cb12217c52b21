"""The kernel as QEMU starts it fastest: unpacked by us and not by the guest."""

from __future__ import annotations

import lzma
import struct
import subprocess
import zlib
from pathlib import Path

from demo.guest.errors import GuestError

# Offsets in the head of a bzImage (the kernel's Documentation/arch/x86/boot.rst).
SETUP_SECTORS, MAGIC, PAYLOAD = 0x1F1, 0x202, 0x248
# Of PT_NOTE in an ELF file, and of the note that names the PVH entry point.
PT_NOTE, XEN_PVH_ENTRY = 4, 18


def vmlinux(image: bytes, lz4: str = "lz4") -> bytes:
    """
    The ELF kernel inside a bzImage.

    :raises GuestError: this is no bzImage, or it is packed in a way not known here.
    """
    if image[MAGIC : MAGIC + 4] != b"HdrS":
        raise GuestError("the kernel is no x86 bzImage: it has no HdrS mark")
    offset, length = struct.unpack_from("<II", image, PAYLOAD)
    start = ((image[SETUP_SECTORS] or 4) + 1) * 512 + offset
    packed = image[start : start + length]
    kernel = _unpack(packed, lz4)
    (expected,) = struct.unpack("<I", packed[-4:])
    if kernel[:4] != b"\x7fELF" or len(kernel) != expected:
        raise GuestError("the kernel unpacks to something that is not the kernel it announces")
    return kernel


def _unpack(packed: bytes, lz4: str) -> bytes:
    # The build of the kernel appends the unpacked size to all but gzip, which has it already.
    if packed.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor().decompress(packed)
    if packed.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(wbits=31).decompress(packed)
    if packed.startswith(b"\x02\x21\x4c\x18"):
        return _filter([lz4, "-dc"], packed[:-4])
    if packed.startswith(b"\x28\xb5\x2f\xfd"):
        return _filter(["zstd", "-dc"], packed[:-4])
    raise GuestError(f"the kernel is packed in an unknown way: it begins {packed[:6]!r}")


def _filter(command: list[str], data: bytes) -> bytes:
    try:
        done = subprocess.run(command, input=data, capture_output=True, check=True)
    except FileNotFoundError:
        raise GuestError(f"{command[0]} is needed to unpack the kernel: install it") from None
    except subprocess.CalledProcessError as error:
        raise GuestError(f"{command[0]} cannot unpack the kernel: {error.stderr!r}") from None
    return done.stdout


def starts_directly(kernel: bytes) -> bool:
    """Whether QEMU can start this ELF kernel as it is: whether it names a PVH entry point."""
    (table,) = struct.unpack_from("<Q", kernel, 32)
    size, count = struct.unpack_from("<HH", kernel, 54)
    for number in range(count):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", kernel, table + number * size)
        if kind == PT_NOTE and _has_pvh(kernel[offset : offset + length]):
            return True
    return False


def _has_pvh(notes: bytes) -> bool:
    at = 0
    while at + 12 <= len(notes):
        name_size, value_size, kind = struct.unpack_from("<III", notes, at)
        name = notes[at + 12 : at + 12 + name_size]
        if kind == XEN_PVH_ENTRY and name == b"Xen\0":
            return True
        at += 12 + name_size + -name_size % 4 + value_size + -value_size % 4
    return False


def image_under(root: Path) -> Path:
    """The kernel image of an unpacked kernel package, of either family of distributions."""
    found = [*root.glob("boot/vmlinuz-*"), *root.glob("lib/modules/*/vmlinuz")]
    if not found:
        raise GuestError(f"no kernel image under {root}: is it a kernel package?")
    return found[0]
