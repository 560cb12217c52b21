"""Takes the guide's pictures of the dashboard anew: ``python -m tests.system.pictures``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.system.chromium import chromium, texts
from tests.system.test_dashboard import free_port
from tests.system.waiting import until

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
PICTURES = (
    ("dashboard-light.png", 1200, False),
    ("dashboard-dark.png", 1200, True),
    ("dashboard-phone.png", 390, False),
)
TALL = {1200: 1000, 390: 844}


def main() -> None:
    """All of them, each of what is seen first."""
    port = free_port()
    with tempfile.TemporaryDirectory() as place:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.shown", str(port), place],
            cwd=ROOT,
            start_new_session=True,
        )
        try:
            for name, width, dark in PICTURES:
                with chromium(width, TALL[width], dark) as driver:
                    url = f"http://127.0.0.1:{port}/"
                    until("it is drawn", lambda: _drawn(driver, url), 60)  # noqa: B023
                    until("all runs", lambda: len(texts(driver, "#states > li")) == 4, 10)  # noqa: B023
                    driver.save_screenshot(str(IMAGES / name))
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _drawn(driver: Any, url: str) -> bool:
    driver.get(url)
    until("it is drawn", lambda: texts(driver, "#day svg") or _refused(driver), 20)
    return bool(texts(driver, "#day svg"))


def _refused(driver: Any) -> bool:
    return not texts(driver, "#kinds")


if __name__ == "__main__":
    main()
