"""
A server of images, as a process of its own: ``python -m tests.system.imageserver DIRECTORY``.

It serves what is in ``DIRECTORY/files`` by HTTPS, with ``server.pem``, on a port of the loopback
that it writes into ``port``; what it was asked, and how it answered, is in ``asked``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.images.https import Authority, Pair
from tests.system.waiting import until

ROOT = Path(__file__).resolve().parents[2]


class ImageServer:
    """The process, and what it serves; ``authority`` is who vouches for it."""

    def __init__(self, place: Path) -> None:
        self._place = place
        (place / "files").mkdir(parents=True)
        self.authority = Authority()
        pair = self.authority.issue()
        (place / "server.pem").write_bytes(pair.certificate + pair.key)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.imageserver", str(place)], cwd=ROOT
        )
        until("images are served", (place / "port").exists, 30.0)

    def put(self, name: str, content: bytes) -> None:
        """Serve a file from now on, a whole one at once."""
        new = self._place / f"{name}.new"
        new.write_bytes(content)
        new.replace(self._place / "files" / name)

    def url(self, name: str) -> str:
        port = (self._place / "port").read_text("ascii")
        return f"https://localhost:{port}/{name}"

    def asked(self) -> list[str]:
        """Each request, with its status: "GET /name 200"."""
        path = self._place / "asked"
        return path.read_text("utf-8").splitlines() if path.exists() else []

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def main(place: Path) -> None:
    """Serve until killed."""
    from twisted.internet import reactor as global_reactor
    from twisted.web.server import Site
    from twisted.web.static import File

    reactor: Any = global_reactor

    class Noting(Site):
        def log(self, request: Any) -> None:
            with (place / "asked").open("a", encoding="utf-8") as file:
                file.write(f"{request.method.decode()} {request.path.decode()} {request.code}\n")

    certificate = (place / "server.pem").read_bytes()
    site = Noting(File(str(place / "files")))
    listening = reactor.listenSSL(0, site, Pair(certificate, b"").options(), interface="127.0.0.1")
    new = place / "port.new"
    new.write_text(str(listening.getHost().port), "ascii")
    new.replace(place / "port")
    reactor.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
