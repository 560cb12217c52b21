"""A daemon's control socket as commands find it, with answers that a test gives."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from twisted.trial.unittest import SynchronousTestCase


class Ordered:
    """Answers each order by its kind, and notes all of them."""

    def __init__(self, case: SynchronousTestCase, answers: Mapping[str, Mapping[str, Any]]) -> None:
        directory = tempfile.mkdtemp()
        case.addCleanup(shutil.rmtree, directory)
        self.path = os.path.join(directory, "control.sock")
        self.orders: list[dict[str, Any]] = []
        self._answers = answers
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(self.path)
        self._listening.listen(8)
        threading.Thread(target=self._serve, daemon=True).start()
        case.addCleanup(self._end)

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            with line, line.makefile("rb") as reader:
                text = reader.readline()
                if not text:
                    return
                order = json.loads(text)
                self.orders.append(order)
                answer = self._answers.get(order["order"], {"error": "no such order"})
                with suppress(OSError):
                    line.sendall(json.dumps(answer).encode() + b"\n")

    def _end(self) -> None:
        # Who waits in accept is woken by this, and not by close.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
