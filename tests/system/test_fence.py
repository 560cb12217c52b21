"""
What guests cannot reach.

The test's own network namespace plays the host: with a metadata service of a cloud in it, and
services on its loopback that are nobody else's business.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time

from tests.system.case import BOOTS, SPACE, SystemCase
from tests.system.domains import pids
from tests.system.systemcase import OnSystem
from vcycle.core.addresses import GuestNetwork

METADATA = "169.254.169.254"
LOOPBACK_PORT = 9999

# Tries all places; says each that gave an answer, then beats.
PRYING = """\
found() {{ echo "$1" >> /tmp/found; }}
get() {{ timeout 5 wget -q -O /tmp/answer "$1" 2> /dev/null && found "$1"; }}
: > /tmp/found
{attempts}
echo tried >> /tmp/found
put found /tmp/found
while :; do put heartbeat < /proc/uptime; sleep 2; done
"""


class _Decoy:
    """A service that answers everybody, and counts them."""

    def __init__(self, address: str, port: int) -> None:
        self.visits = 0
        self._socket = socket.create_server((address, port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nsecret")

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


class EmbeddedFenceTests(SystemCase):
    """With user networking the daemon fences itself."""

    def setUp(self) -> None:
        super().setUp()
        ip("link", "add", "name", "cloud0", "type", "bridge")
        self.addCleanup(ip, "link", "del", "cloud0")
        ip("link", "set", "cloud0", "up")
        ip("addr", "add", f"{METADATA}/16", "dev", "cloud0")
        self.decoys = [_Decoy(METADATA, 80), _Decoy("127.0.0.1", LOOPBACK_PORT)]
        for decoy in self.decoys:
            self.addCleanup(decoy.close)

    def test_fenced(self) -> None:
        """
        A guest reaches its own web server and nothing else: no metadata service of the host,
        no service on the host's loopback, no other guest's outputs, nothing without its secret.
        It stays in reach of its server when the daemon is killed and started anew.
        """
        places = (
            f"http://{METADATA}/latest/meta-data/",
            f"http://10.0.2.2:{LOOPBACK_PORT}/",
            f"http://127.0.0.1:{LOOPBACK_PORT}/",
            "http://10.0.2.2:8080/latest/user-data",
            "http://10.0.2.2:8080/machine/",
            "http://10.0.2.2:8080/machine/guess/latest/user-data",
            "http://10.0.2.2:8080/joboutputs/heartbeat",
            '"$METADATA/../$OTHER/joboutputs/heartbeat"',
            '"$METADATA/joboutputs/../../heartbeat"',
        )
        attempts = "".join(f"get {place}\n" for place in places)
        # The first line shows that an attempt which can succeed is noted.
        attempts = 'get "$METADATA/latest/user-data"\n' + attempts
        self.configure(
            self.space(total_machines=2),
            self.working("prying", PRYING.format(attempts=attempts)),
        )
        socket.create_connection((METADATA, 80), 5).close()
        socket.create_connection(("127.0.0.1", LOOPBACK_PORT), 5).close()
        time.sleep(0.2)
        before = [decoy.visits for decoy in self.decoys]
        self.assertEqual([1, 1], before)
        self.daemon.start()

        def tried() -> bool:
            records = self.daemon.living()
            return len(records) == 2 and all(self.daemon.output(r, "found") for r in records)

        self.daemon.until("both guests have tried", tried, 3 * BOOTS)
        for record in self.daemon.living():
            found = (self.daemon.output(record, "found") or "").splitlines()
            self.assertTrue(found[0].endswith("/latest/user-data"), found)
            self.assertEqual(["tried"], found[1:])
        self.assertEqual(before, [decoy.visits for decoy in self.decoys])

        machines = pids(self.within)
        self.daemon.kill()
        self.daemon.start()
        started = time.time()

        def beat_again() -> bool:
            return all(self.daemon.beaten(record) > started + 1 for record in self.daemon.living())

        self.daemon.until("the guests beat to the new daemon", beat_again)
        self.assertEqual(machines, pids(self.within))
        self.assertEqual(before, [decoy.visits for decoy in self.decoys])


class SystemFenceTests(OnSystem):
    """On a network a machine is known by its address, and cannot take another's."""

    def test_neighbour(self) -> None:
        """
        A guest that takes its neighbour's address, or its neighbour's MAC address as well,
        gets no answer; it cannot read or write what is its neighbour's.
        """
        network = GuestNetwork.parse("169.254.0.0/16")
        addresses = [network.address(slot) for slot in range(2)]
        steal = f"""\
mine=$(ip -4 -o addr show dev eth0 | tr -s ' ' | cut -d ' ' -f 4 | cut -d / -f 1)
case $mine in {addresses[0]}) theirs={addresses[1]} ;; *) theirs={addresses[0]} ;; esac
get http://{METADATA}/latest/user-data
# By the neighbour's address itself, as if it served anything.
get http://$theirs/latest/user-data
# With the neighbour's address beside our own, then instead of it, then with its MAC as well.
mac() {{ set -- $(echo $1 | tr . ' '); printf '56:4d:%02x:%02x:%02x:%02x' $1 $2 $3 $4; }}
ip addr add $theirs/16 dev eth0
ip route add {METADATA}/32 dev eth0 src $theirs && get http://{METADATA}/latest/meta-data/
echo stolen | put stolen && found stolen-1
ip addr del $mine/16 dev eth0
echo stolen | put stolen && found stolen-2
ip link set eth0 down; ip link set eth0 address $(mac $theirs); ip link set eth0 up
ip addr add $theirs/16 dev eth0 2> /dev/null; sleep 1
get http://{METADATA}/latest/user-data
echo stolen | put stolen && found stolen-3
# Back to what is ours, to tell.
ip link set eth0 down; ip link set eth0 address $(mac $mine)
ip addr flush dev eth0; ip link set eth0 up; ip addr add $mine/16 dev eth0; sleep 2
"""
        self.configure(
            self.space(total_machines=2),
            self.working("thief", PRYING.format(attempts=steal)),
        )
        self.daemon.start()

        def told() -> bool:
            records = self.daemon.living()
            return len(records) == 2 and all(self.daemon.output(r, "found") for r in records)

        self.daemon.until("both thieves have tried", told, 4 * BOOTS)
        records = self.daemon.living()
        self.assertEqual(set(addresses), {record.address for record in records})
        for record in records:
            found = (self.daemon.output(record, "found") or "").splitlines()
            self.assertEqual([f"http://{METADATA}/latest/user-data", "tried"], found)
            self.assertIsNone(self.daemon.output(record, "stolen"))
        self.assertEqual([], self.daemon.lines("Traceback"))
        self.assertEqual(2, len(self.daemon.space(SPACE)["machines"]))
        self.daemon.send(signal.SIGTERM)


del SystemCase, OnSystem
