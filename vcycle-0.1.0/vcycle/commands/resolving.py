"""Names of factories as IPv4 addresses, all at a time, and never for longer than allowed."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterable, Mapping

from attrs import Factory, frozen

from vcycle.core.asking.target import Address
from vcycle.daemon.instants import steady

THREADS = 16


@frozen(kw_only=True)
class Resolved:
    """Addresses by name, and for every other name why there are none."""

    addresses: Mapping[str, tuple[Address, ...]] = Factory(dict)
    unknown: Mapping[str, str] = Factory(dict)


def ask_system(name: str) -> tuple[str, ...]:
    """The addresses that the system's name service has; blocks. :raises OSError: it has none."""
    found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_DGRAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def resolve(
    names: Iterable[str],
    port: int,
    seconds: float,
    ask: Callable[[str], tuple[str, ...]] = ask_system,
) -> Resolved:
    """
    What can be found within ``seconds``; addresses are taken as they are.

    A name service that hangs keeps threads that nobody waits for, also not at the end.
    """
    addresses: dict[str, tuple[Address, ...]] = {}
    unknown: dict[str, str] = {}
    asked: queue.SimpleQueue[str] = queue.SimpleQueue()
    found: queue.SimpleQueue[tuple[str, tuple[str, ...], str]] = queue.SimpleQueue()
    for name in names:
        if _is_address(name):
            addresses[name] = ((name, port),)
        else:
            unknown[name] = f"its name was not resolved within {seconds:.3g} s"
            asked.put(name)
    for _ in range(min(THREADS, len(unknown))):
        threading.Thread(target=_serve, args=(asked, found, ask), daemon=True).start()
    until = steady() + seconds
    for _ in range(len(unknown)):
        try:
            name, hosts, reason = found.get(timeout=max(0.0, until - steady()))
        except queue.Empty:
            break
        if hosts:
            del unknown[name]
            addresses[name] = tuple((host, port) for host in hosts)
        else:
            unknown[name] = f"its name is not known: {reason}"
    return Resolved(addresses=addresses, unknown=unknown)


def _is_address(name: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET, name)
    except (OSError, ValueError):
        return False
    return True


def _serve(
    asked: queue.SimpleQueue[str],
    found: queue.SimpleQueue[tuple[str, tuple[str, ...], str]],
    ask: Callable[[str], tuple[str, ...]],
) -> None:
    while True:
        try:
            name = asked.get_nowait()
        except queue.Empty:
            return
        try:
            found.put((name, ask(name), "it has no IPv4 address"))
        except (OSError, UnicodeError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            found.put((name, (), reason))
