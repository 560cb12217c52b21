"""
The responder and the cache of images in one process, as in the daemon.

``python -m benchmarks.downloader DIRECTORY URL`` tells its UDP port. For each line on its standard
input it fetches the image, which must not be there yet, and tells in JSON how that went.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineReceiver

from benchmarks.answerers import LOCALHOST, responder
from benchmarks.sides import in_reactor
from vcycle.core.config.model import Settings
from vcycle.daemon.answering import SWITCH_SECONDS
from vcycle.daemon.imaging import Imaging


def resident(name: str) -> float:
    """Megabytes of this process: VmRSS now, or VmHWM at most since it was last reset."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def forget_peak() -> None:
    """From now on VmHWM counts anew."""
    Path("/proc/self/clear_refs").write_text("5")


async def fetch(imaging: Imaging, url: str) -> dict[str, float]:
    """One download; seconds until it can be used, and what it cost."""
    forget_peak()
    before, cpu = resident("VmRSS"), time.process_time()
    began = time.perf_counter()
    version = await imaging.cache.fetch(url)
    seconds = time.perf_counter() - began
    assert version is not None, "the cache was empty"
    return {
        "seconds": seconds,
        "bytes": version.size,
        "cpu": time.process_time() - cpu,
        "growth": resident("VmHWM") - before,
    }


class Orders(LineReceiver):
    """Each line is an order to fetch."""

    delimiter = b"\n"

    def __init__(self, reactor: Any, imaging: Imaging, url: str) -> None:
        self._reactor = reactor
        self._fetch = (imaging, url)

    def lineReceived(self, line: bytes) -> None:
        async def obey() -> None:
            print(json.dumps(await fetch(*self._fetch)), flush=True)

        Deferred.fromCoroutine(obey())

    def connectionLost(self, reason: Any = None) -> None:
        self._reactor.stop()


async def serve(reactor: Any, directory: str, url: str) -> None:
    """Until the standard input ends."""
    sys.setswitchinterval(SWITCH_SECONDS)
    settings = Settings(
        state_dir=os.path.join(directory, "state"),
        vacquery_port=0,
        vacquery_interface="",
        monitor_port=0,
        ca_directory=os.path.join(directory, "certificates"),
    )
    imaging = Imaging(reactor, settings, tell=lambda news: None, woken=lambda: None, environment={})
    imaging.startService()
    port = reactor.listenUDP(0, responder(reactor), interface=LOCALHOST)
    StandardIO(Orders(reactor, imaging, url))
    print(port.getHost().port, flush=True)
    await Deferred()


if __name__ == "__main__":
    in_reactor(lambda reactor: serve(reactor, sys.argv[1], sys.argv[2]))
