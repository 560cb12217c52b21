"""A real browser without a screen, for as long as a test takes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

BROWSER, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-sync",
    "--disable-component-update",
    "--disable-background-networking",
    "--no-first-run",
    "--lang=en",
)


@contextmanager
def chromium(width: int = 1200, height: int = 1000, dark: bool = False) -> Iterator[Any]:
    """A browser with a window of that size, phones below 600 included, that prefers dark or not."""
    with tempfile.TemporaryDirectory(prefix="vcbrowser") as home:
        options = Options()
        options.binary_location = BROWSER
        for argument in (*ARGUMENTS, f"--user-data-dir={home}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver: Any = webdriver.Chrome(options=options, service=Service(DRIVER))
        try:
            driver.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {
                    "width": width,
                    "height": height,
                    "deviceScaleFactor": 1,
                    "mobile": width < 600,
                },
            )
            driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
            scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
            yield driver
        finally:
            driver.quit()


def texts(driver: Any, selector: str) -> list[str]:
    """What is read in each element of a page, as it is now."""
    script = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)"
    found: list[str] = driver.execute_script(script, selector)
    return found


def errors(driver: Any) -> list[str]:
    """What the browser complained of, but for its own pages."""
    found = [entry["message"] for entry in driver.get_log("browser")]
    return [message for message in found if not message.startswith("chrome://")]


def contrast(driver: Any, selector: str) -> float:
    """The least contrast of text against what is behind it, as accessibility guidelines count."""
    script = """
      const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255;
        return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const parse = (text) => text.match(/[\\d.]+/g).map(Number);
      const behind = (element) => { for (let e = element; e; e = e.parentElement) {
        const c = parse(getComputedStyle(e).backgroundColor);
        if (c.length === 3 || c[3] > 0.99) return c.slice(0, 3); } return [255, 255, 255]; };
      return Math.min(...[...document.querySelectorAll(arguments[0])]
        .filter((e) => e.textContent.trim() && e.getClientRects().length).map((e) => {
          const own = parse(getComputedStyle(e).color).slice(0, 3);
          const [one, two] = [light(own), light(behind(e))];
          return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05); }));
    """
    return float(driver.execute_script(script, selector))
