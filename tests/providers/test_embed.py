"""Tests for vcycle.providers.libvirt.embed, which never open libvirt."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vcycle.providers.libvirt.embed import MAX_ROOT, configuration, ready, root_of

# One root per process: so each story is a process of its own.
STORY = """
import sys
from vcycle.providers.libvirt.embed import ready
for uri in sys.argv[1:]:
    print(ready(uri))
"""


class EmbedTests(SynchronousTestCase):
    def short(self) -> Path:
        """A directory with a short path, gone after the test."""
        directory = tempfile.TemporaryDirectory(prefix="vc", dir="/tmp")
        self.addCleanup(directory.cleanup)
        return Path(directory.name)

    def ready(self, *uris: str) -> list[str]:
        command = [sys.executable, "-c", STORY, *uris]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
        return done.stdout.splitlines()

    def test_root_of(self) -> None:
        """The root is in the query of an embedding URI, and only there."""
        for uri, root in (
            ("qemu:///embed?root=/tmp/a", "/tmp/a"),
            ("qemu:///embed?root=/tmp/a%20b", "/tmp/a b"),
            ("qemu:///embed", ""),
            ("qemu:///system", None),
            ("qemu+ssh://host/embed?root=/a", None),
            ("test:///default", None),
        ):
            self.assertEqual(root, root_of(uri), uri)

    def test_configuration(self) -> None:
        """An embedded driver has no log daemon; as root it changes no users."""
        self.assertEqual('stdio_handler = "file"\n', configuration(False))
        for setting in ('user = "+0"', 'group = "+0"', "remember_owner = 0", "namespaces = [ ]"):
            self.assertIn(setting, configuration(True).splitlines())

    def test_prepared(self) -> None:
        """The root is made ready, as often as it is asked for."""
        root = self.short() / "root"
        self.assertEqual(["None", "None"], self.ready(*[f"qemu:///embed?root={root}"] * 2))
        written = (root / "etc" / "qemu.conf").read_text(encoding="utf-8")
        self.assertEqual(configuration(os.geteuid() == 0), written)

    def test_once(self) -> None:
        """A process that embeds at one root can have no other, nor any other qemu: URI."""
        directory = self.short()
        first, second, system, test = self.ready(
            f"qemu:///embed?root={directory}/a",
            f"qemu:///embed?root={directory}/b",
            "qemu:///system",
            "test:///default",
        )
        self.assertEqual(("None", "None"), (first, test))
        for problem in (second, system):
            self.assertIn(f"this process embeds libvirt at {directory}/a", problem)

    def test_bad_roots(self) -> None:
        """A root that cannot work is refused with the cure, and nothing is written."""
        for uri, words in (
            ("qemu:///embed", "write an absolute path"),
            ("qemu:///embed?root=relative", "write an absolute path"),
            (f"qemu:///embed?root=/{'x' * MAX_ROOT}", "use a shorter one"),
            ("qemu:///embed?root=/proc/none", "cannot write /proc/none/etc/qemu.conf"),
        ):
            self.assertIn(words, ready(uri) or "", uri)
