"""libvirt's own event loop: once per process, in a thread of its own."""

from __future__ import annotations

from threading import Event, Lock, Thread

import libvirt
from twisted.logger import Logger

_PAUSE_AFTER_ERROR = 1.0

_log = Logger()
_lock = Lock()
_running = Event()


def start_event_loop() -> None:
    """
    Have the loop running. It must be, before the first connection is opened.

    libvirt has one loop per process and no way to end it: hence state of this module,
    and a thread that lasts as long as the process.
    """
    with _lock:
        if _running.is_set():
            return
        # Unless somebody listens, libvirt prints each error to stderr.
        libvirt.registerErrorHandler(_ignore, None)
        libvirt.virEventRegisterDefaultImpl()
        Thread(target=_run, name="libvirt-events", daemon=True).start()
        _running.set()


def _ignore(context: object, error: object) -> None:
    """Errors arrive as exceptions too."""


def _run() -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except Exception:
            # Events are only hints: a pass that failed must not become a busy loop.
            _log.failure("libvirt's event loop")
            Event().wait(_PAUSE_AFTER_ERROR)
