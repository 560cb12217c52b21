"""Tests for vcycle.daemon.plugin, as twistd finds and uses it."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading
from pathlib import Path

from twisted.application.service import IService, IServiceMaker
from twisted.plugin import IPlugin, getPlugins
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from vcycle.daemon.plugin import Options, makeService

CHECKOUT = str(Path(__file__).resolve().parents[2])


def plugins() -> list[IServiceMaker]:
    return [maker for maker in getPlugins(IServiceMaker) if maker.tapname == "vcycle"]


class PluginTests(SynchronousTestCase):
    def test_once(self) -> None:
        """twistd finds exactly one ``vcycle``."""
        [maker] = plugins()
        self.assertTrue(verifyObject(IServiceMaker, maker))
        self.assertTrue(verifyObject(IPlugin, maker))
        self.assertIs(Options, maker.options)

    def test_light(self) -> None:
        """To list the plugins loads nothing of Vcycle, nor libvirt."""
        script = (
            "import sys; from twisted.plugin import getPlugins;"
            "from twisted.application.service import IServiceMaker;"
            "assert any(p.tapname == 'vcycle' for p in getPlugins(IServiceMaker));"
            "print([m for m in sys.modules if m.partition('.')[0] in ('vcycle', 'libvirt')])"
        )
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONPATH": CHECKOUT, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual("[]\n", done.stdout, done.stderr)


class OptionsTests(SynchronousTestCase):
    def parsed(self, *words: str) -> Options:
        options = Options()
        options.parseOptions(words)
        return options

    def test_none(self) -> None:
        """Without options the standard files are read."""
        self.assertIsNone(self.parsed()["config"])

    def test_config(self) -> None:
        """--config names a file, in both forms."""
        path = self.mktemp()
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(path).write_text("")
        for words in (("--config", path), (f"--config={path}",), ("-c", path)):
            self.assertEqual(Path(path), self.parsed(*words)["config"])

    def test_wrong(self) -> None:
        """An option that is none is told by name; a file that is none is for the daemon to tell."""
        for words, text in (
            (("--colour", "blue"), "colour"),
            (("--config",), "config"),
            (("word",), "argument"),
        ):
            error = self.assertRaises(UsageError, self.parsed, *words)
            self.assertIn(text, str(error))


class BuildingTests(SynchronousTestCase):
    def test_starts_nothing(self) -> None:
        """To build the daemon opens no file, starts no thread, and reads no configuration."""
        importlib.import_module("twisted.internet.reactor")
        # It opens the null device once for the whole process.
        importlib.import_module("libvirt")
        environment = dict(os.environ)
        self.addCleanup(os.environ.update, environment)
        self.addCleanup(os.environ.clear)
        options = Options()
        threads = set(threading.enumerate())
        files = set(os.listdir("/proc/self/fd"))
        service = makeService(options)
        self.assertTrue(verifyObject(IService, service))
        self.assertEqual(threads, set(threading.enumerate()))
        self.assertEqual(files, set(os.listdir("/proc/self/fd")))
