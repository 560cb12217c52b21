"""What to do about what the system refuses, by the names of its errors."""

from __future__ import annotations

CURES = {
    "EACCES": "let the daemon's user write there",
    "EDQUOT": "the disk quota is used up: make room",
    "EEXIST": "what is in the way is no directory: move it",
    "EFBIG": "the filesystem cannot hold a file of this size",
    "EIO": "the disk does not work: see the kernel's log",
    "EMFILE": "raise the limit of open files",
    "ENAMETOOLONG": "use shorter names",
    "ENFILE": "raise the limit of open files",
    "ENOENT": "put the directory back, or start the daemon again",
    "ENOSPC": "the disk is full: make room",
    "ENOTDIR": "what is in the way is no directory: move it",
    "EPERM": "let the daemon's user write there",
    "EROFS": "the filesystem is read-only: see the kernel's log, then remount it",
    "EXDEV": "keep all of the state directory on one filesystem",
}


def cure_of(name: str | None) -> str:
    """What to do about an error of that name where files are written."""
    return CURES.get(name or "", "see the kernel's log")
