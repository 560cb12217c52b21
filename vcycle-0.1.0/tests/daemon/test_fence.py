"""The fence, each time in a process of its own: nobody comes back from it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

CHECKOUT = str(Path(__file__).resolve().parents[2])

# Tells whether a neighbour outside could be reached; nothing is sent by connecting a datagram.
PRELUDE = """
import ctypes, os, socket, sys, threading
from vcycle.core.errors import VcycleError
from vcycle.daemon.fence import FenceRefused, enter, is_fenced

def way_out():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.connect(("192.0.2.1", 9))
        except OSError:
            return False
    return True

def become_nobody():
    if os.geteuid() == 0:
        os.setgroups([]); os.setgid(65534); os.setuid(65534)
        # Only a process that began as another user's may not write to its own /proc files.
        ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
"""


def run(script: str) -> str:
    """What a fresh interpreter prints when it runs a script."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + script],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout.strip()


class Entering(SynchronousTestCase):
    """``enter`` on a machine that lets it."""

    def test_no_way_out(self) -> None:
        """Behind the fence no address outside can be reached."""
        self.assertEqual(run("print(enter('a test'), is_fenced(), way_out())"), "True True False")

    def test_loopback_works(self) -> None:
        """The daemon's server and its guests still meet on the loopback."""
        script = """
enter('a test')
server = socket.create_server(('127.0.0.1', 0))
socket.create_connection(server.getsockname(), timeout=5)
print('met')
"""
        self.assertEqual(run(script), "met")

    def test_children_are_behind_it(self) -> None:
        """What the process starts afterwards is behind the fence as well."""
        script = """
enter('a test')
sys.stdout.flush()
os.execvp('cat', ['cat', '/proc/net/route'])
"""
        self.assertLessEqual(len(run(script).splitlines()), 1)  # at most the heading

    def test_twice_is_once(self) -> None:
        """A process behind the fence stays where it is, whatever threads it has."""
        script = """
enter('a test')
before = os.readlink('/proc/self/ns/net')
threading.Thread(target=threading.Event().wait, daemon=True).start()
print(enter('a test'), os.readlink('/proc/self/ns/net') == before)
"""
        self.assertEqual(run(script), "False True")

    def test_unprivileged(self) -> None:
        """A user without rights gets the fence too, and keeps user and group."""
        script = """
become_nobody()
before = os.getuid(), os.getgid()
print(enter('a test'), way_out(), (os.getuid(), os.getgid()) == before)
"""
        self.assertEqual(run(script), "True False True")


class Refused(SynchronousTestCase):
    """``enter`` where it cannot be."""

    def test_threads(self) -> None:
        """With other threads about it refuses: they would stay outside."""
        script = """
threading.Thread(target=threading.Event().wait, daemon=True).start()
try:
    enter('space demo')
except VcycleError as error:
    print(type(error).__name__, error)
"""
        said = run(script)
        self.assertTrue(said.startswith("FenceRefused space demo: "), said)
        self.assertIn("2 threads run already", said)

    def test_forbidden(self) -> None:
        """Where namespaces are forbidden it says what was refused, and the cures."""
        # A user namespace that may have none below it, entered by a user without rights in it:
        # the exec takes away the rights that making it gave.
        script = """
user, group = os.getuid(), os.getgid()
assert ctypes.CDLL(None).unshare(0x10000000) == 0
open('/proc/self/setgroups', 'w').write('deny')
open('/proc/self/uid_map', 'w').write(f'1000 {user} 1')
open('/proc/self/gid_map', 'w').write(f'1000 {group} 1')
open('/proc/sys/user/max_user_namespaces', 'w').write('0')
last = '''
from vcycle.daemon.fence import FenceRefused, enter
try:
    enter('space demo')
except FenceRefused as error:
    print(error)
'''
os.execv(sys.executable, [sys.executable, '-c', last])
"""
        said = run(script)
        self.assertTrue(said.startswith("space demo: the fence around guests was refused"), said)
        self.assertIn("a new user and network namespace: ", said)
        self.assertIn("user.max_user_namespaces", said)
        self.assertIn("as root", said)


class Joining(SynchronousTestCase):
    """``enter`` beside guests that outlived an earlier daemon."""

    def test_beside_survivors(self) -> None:
        """The namespace of a process that lives behind a fence is entered, not another made."""
        for become in ("", "become_nobody()\n"):
            script = (
                become
                + """
left, right = os.pipe()
if os.fork() == 0:
    enter('a test')
    os.write(right, os.readlink('/proc/self/ns/net').encode() + b' %d' % os.getpid())
    import time; time.sleep(30)
    os._exit(0)
there, pid = os.read(left, 100).decode().split()
enter('a test', [99999999, int(pid)])
print(is_fenced(), os.readlink('/proc/self/ns/net') == there)
os.kill(int(pid), 9)
"""
            )
            self.assertEqual(run(script), "True True", become)

    def test_survivor_without_fence(self) -> None:
        """A process that is not behind a fence is no company: a new fence is made."""
        self.assertEqual(run("print(enter('a test', [1, os.getppid()]), is_fenced())"), "True True")
