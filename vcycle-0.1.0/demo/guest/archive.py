"""The kernel's own archive format, cpio "newc", as an initramfs wants it."""

from __future__ import annotations

from attrs import define, field

DIRECTORY, FILE, SYMLINK, DEVICE = 0o040000, 0o100000, 0o120000, 0o020000


@define
class Initramfs:
    """Collects entries in the order in which the kernel is to unpack them."""

    _parts: list[bytes] = field(factory=list)
    _count: int = 0

    def directory(self, name: str) -> None:
        """Add a directory with mode 0755."""
        self._add(name, DIRECTORY | 0o755)

    def file(self, name: str, content: bytes, mode: int = 0o644) -> None:
        """Add a file."""
        self._add(name, FILE | mode, content)

    def symlink(self, name: str, target: str) -> None:
        """Add a symbolic link."""
        self._add(name, SYMLINK | 0o777, target.encode())

    def device(self, name: str, major: int, minor: int) -> None:
        """Add a character device, readable by root alone."""
        self._add(name, DEVICE | 0o600, device=(major, minor))

    def archive(self) -> bytes:
        """The whole archive, with its trailer; the collection itself is not changed."""
        return b"".join([*self._parts, _entry("TRAILER!!!", 0, 0)])

    def _add(
        self, name: str, mode: int, content: bytes = b"", device: tuple[int, int] = (0, 0)
    ) -> None:
        self._count += 1
        self._parts.append(_entry(name, self._count, mode, content, device))


def _entry(
    name: str, inode: int, mode: int, content: bytes = b"", device: tuple[int, int] = (0, 0)
) -> bytes:
    """One entry: magic, thirteen fields of eight hexadecimal digits, name, content."""
    path = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(path), 0)
    head = b"070701" + b"".join(b"%08X" % value for value in fields) + path
    return _padded(head) + _padded(content)


def _padded(text: bytes) -> bytes:
    """Name and content each end on a multiple of four bytes."""
    return text + b"\0" * (-len(text) % 4)
