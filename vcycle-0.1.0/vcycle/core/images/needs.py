"""What is asked of an image's content, and whether a version has it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from attrs import frozen

NO_DIGEST = (
    "the server does not say how long it is, so a part of it cannot be told from all of it;"
    " set root_image_sha256"
)


@frozen(kw_only=True, order=True)
class Need:
    """Nothing else than this digest, or a signature of whom this expression matches, is good."""

    sha256: str = ""
    signing_dn: str = ""

    def refusal(self, sha256: str, proven: bool = True) -> str | None:
        """Why content of this digest is not good, signatures aside; None if it is."""
        if self.sha256 and self.sha256 != sha256:
            return f"its SHA-256 is {sha256}, not {self.sha256} as root_image_sha256 says"
        if not proven and not self.sha256 and not self.signing_dn:
            return NO_DIGEST
        return None


def key_of(needs: Iterable[Need]) -> str:
    """Equal for the same needs, in whatever order."""
    text = "\n".join(f"{need.sha256} {need.signing_dn}" for need in sorted(set(needs)))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
