"""What Vcycle needs of the world: each need an interface, kept by a fake and a real part."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping, Sequence
from typing import IO, Callable, Protocol, TypeVar

from attrs import frozen
from zope.interface import Attribute, Interface

from vcycle.core.config.model import Space
from vcycle.core.images.wanted import Document as Document
from vcycle.core.images.wanted import Image as Image
from vcycle.core.images.wanted import Text as Text
from vcycle.core.images.wanted import Wanted as Wanted
from vcycle.core.machine import Capacity, Forming, Record, Sighting, Spec, Survey, Traces, Traits
from vcycle.core.peers import Peers

R = TypeVar("R")


class RunInThread(Protocol):
    """
    Run ``work`` off the reactor thread; its answer or exception arrives back on it.

    ``work`` is one closure in which a blocking library's objects and exceptions stay.
    After ``deadline`` seconds the awaiter gets CallTimedOut and the thread is written off.
    """

    def __call__(self, work: Callable[[], R], deadline: float | None = None) -> Awaitable[R]: ...


class IMachineProvider(Interface):
    """
    A place where machines are made. We choose the uuid, and it is the creation token.

    Every method ends by a deadline of its own and may be repeated.
    """

    traits: Traits = Attribute("How to read it: a vcycle.core.machine.Traits.")

    def survey(expected: Collection[str]) -> Awaitable[Survey]:
        """
        All machines of the provider, ours and others', in one bulk look.

        Each uuid in ``expected`` that is not listed is looked up by itself, and is in
        ``absent`` only if the provider then says that there is no such machine.

        :raises Unreachable: there is no connection.
        :raises OutcomeUnknown: no whole answer came in time.
        :raises Malformed: the answer makes no sense.
        """

    def create(spec: Spec) -> Awaitable[None]:
        """
        Ask for one machine, its uuid, name and mark in the same request. If a machine
        of that uuid and mark exists this changes nothing.

        :raises NameTaken: the name or the uuid is another machine's.
        :raises BadRequest: the spec itself is refused.
        :raises ProviderError: refused; no machine was made.
        :raises OutcomeUnknown: no answer came: it may be made yet.
        """

    def destroy(record: Record, owner: str) -> Awaitable[None]:
        """
        End a machine for good. One that is already gone is no error.

        :raises NameTaken: a machine of that uuid exists, but kind, name and owner's mark do
            not all agree with the record; it was not touched.
        :raises ProviderError: refused; the machine is as it was.
        :raises OutcomeUnknown: no answer came.
        """

    def lookup(uuid: str) -> Awaitable[Sighting | None]:
        """One machine, or None if the provider says that there is none; raises as survey."""

    def capacity() -> Awaitable[Capacity]:
        """What the provider has in all; raises as survey."""

    def watch(callback: Callable[[str], None]) -> None:
        """
        Have ``callback(uuid)`` called on the reactor thread soon after a machine may have changed.

        It means "look sooner", never a state; the uuid is "" where all may have changed.
        """


@frozen(kw_only=True)
class Contents:
    """What a store held when it was opened. ``damaged`` names what could not be read, and why."""

    records: tuple[Record, ...]
    traces: Mapping[str, Traces]
    damaged: tuple[str, ...]


class IMachineStore(Interface):
    """
    The records and traces of one space's machines, durable before an Awaitable fires.

    One daemon at a time owns it. Methods raise StoreError, and then the disk holds what it held.
    """

    def open() -> Awaitable[Contents]:
        """Read all machines that have not ended; damage to one's files is reported, not raised."""

    def save(records: Sequence[Record]) -> Awaitable[None]:
        """
        Write each record, atomically for each, all durable at the end. A record's first
        save makes its directory and thereby is the intent to make the machine.
        """

    def write(record: Record, files: Mapping[str, bytes]) -> Awaitable[None]:
        """Put files (user_data and the like) into a machine's directory, durably or not at all."""

    def read(record: Record, name: str) -> Awaitable[bytes | None]:
        """A file as ``write`` put it into a machine's directory; None if there is none."""

    def put(record: Record, name: str, body: IO[bytes], now: float) -> Awaitable[Traces]:
        """
        Keep one job output of a machine, atomically, and give back all its traces.

        :raises StoreError: over the machine's quota, a name against the rules, or no disk.
        """

    def path(record: Record, name: str) -> str:
        """The absolute path of a file in a machine's directory; nothing is opened."""

    def history() -> Awaitable[Mapping[str, object]]:
        """The last remembered outcomes, as ``remember`` was given them; {} if there are none."""

    def remember(history: Mapping[str, object]) -> Awaitable[None]:
        """Keep a JSON object of outcomes, replacing the former one atomically."""

    def prune(now: float) -> Awaitable[Sequence[str]]:
        """Remove directories of machines that ended over keep_days ago; gives their names."""

    def beat(kind: str, now: float) -> Awaitable[None]:
        """Write the heartbeat file ``<kind>-heartbeat``: Unix seconds and a newline."""

    def count(text: str) -> Awaitable[None]:
        """Write the ``counts`` line."""


class IVolumes(Interface):
    """Blank volumes in storage pools of a hypervisor, such as volume groups of LVM."""

    def create(group: str, name: str, size: int) -> Awaitable[None]:
        """
        Have a volume of that name, of ``size`` bytes; one that is there already is kept.

        :raises DiskError: there is no such pool, or no room in it.
        """

    def remove(group: str, name: str) -> Awaitable[None]:
        """Remove a volume; one that is gone already is no error. Raises DiskError."""

    def room(group: str) -> Awaitable[int]:
        """Bytes that are free in a pool. Raises DiskError."""

    def listed(group: str) -> Awaitable[Mapping[str, int]]:
        """The volumes of a pool that have names of machines', and their bytes. Raises DiskError."""


class IExports(Interface):
    """Directories exported to machines by NFS."""

    def export(path: str, address: str, writable: bool) -> Awaitable[None]:
        """Export a directory to one address; done already is no error. Raises DiskError."""

    def withdraw(path: str, address: str) -> Awaitable[None]:
        """End that; over already is no error. Raises DiskError."""

    def exported() -> Awaitable[Collection[tuple[str, str]]]:
        """
        Every path that is exported, with the address, name or network it is exported to.

        :raises DiskError: nothing can be exported here; the text says why, and the cure.
        """


class IAccounts(Interface):
    """What is owed to accounting."""

    def account(records: Sequence[Record]) -> Awaitable[None]:
        """
        Write the job record of each machine whose life counts, durably and exactly once, however
        often it is called with the same machine.

        :raises StoreError: it could not be written; to be tried again.
        """


class ICredentials(Interface):
    """What machines prove by that they are ours."""

    def ready(directory: str, until: float, legacy: bool) -> Awaitable[None]:
        """See that ``proxy`` could make one now; raises as it does."""

    def proxy(directory: str, name: str, until: float, legacy: bool) -> Awaitable[bytes]:
        """
        A new limited X.509 proxy as PEM, from x509cert.pem and x509key.pem in ``directory``,
        for a machine of the machinetype ``name``, that ends at ``until`` (Unix seconds).

        :raises CredentialError: there is none; the text says why, and the cure.
        """


class IDisks(Interface):
    """Forms the disks of one machine, and removes them."""

    def form(wanted: Sequence[Forming]) -> Awaitable[None]:
        """
        Make each wanted disk that is not there yet.

        :raises DiskError: not formed, or no room for it; nothing of it is left.
        """

    def remove(paths: Sequence[str]) -> Awaitable[None]:
        """Remove disks; those gone already are no error."""


class IImages(Interface):
    """Where root images, kernels and user_data templates come from."""

    def image(wanted: Wanted) -> Awaitable[Image]:
        """
        The image as it is here now, however old. It never waits for a download: what is not here,
        or was not confirmed for a while, is fetched beside the cycle.

        :raises ImageMissing: there is no good copy; the text says why (being fetched, and how
            far, is a reason), and the cure.
        """

    def text(reference: str, directory: str, own: bool = False) -> Awaitable[Text]:
        """A small file, as ``image`` gives large ones; ``own``: or one beside ``files``."""


class IDocuments(Interface):
    """Small files of servers: templates and vacuum pipes. The last good copy is kept."""

    def document(url: str, max_bytes: int, max_age: float) -> Awaitable[Document]:
        """
        The document as it is here now; one that is older than ``max_age`` seconds, or not here,
        is fetched beside the caller, who is woken once it has changed.

        :raises ImageMissing: there is no copy of at most ``max_bytes``; the text says why (being
            fetched is a reason), and the cure.
        """

    def fetch(url: str, max_bytes: int) -> Awaitable[Document]:
        """
        The document as its server gives it now, for commands: it waits for the server.

        :raises FetchError: it could not be had; a good copy that is here stays.
        """


class IPeers(Interface):
    """The other factories of a space."""

    def ask(space: Space) -> Awaitable[Peers]:
        """
        Ask every other factory of the space for its machinetypes.

        It ends by the space's udp_timeout_seconds whatever happens; who did not answer is
        named in ``silent``. It never raises VcycleError.
        """


class IGuestBook(Interface):
    """Which machine is calling, and what it may see and leave: what the guests' web server asks."""

    def by_address(address: str) -> Record | None:
        """The living machine that has this network address, where addresses are filtered."""

    def by_secret(secret: str) -> Record | None:
        """The living machine whose secret this is; compared in constant time."""

    def user_data(record: Record) -> Awaitable[bytes | None]:
        """The machine's user_data as it was written for it; None if it has none."""

    def public_key(record: Record) -> str | None:
        """The ssh public key offered to the machine."""

    def features(record: Record) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Machine features and job features, key to value, as they are now."""

    def heartbeats(record: Record) -> bytes:
        """The machines of its machinetype that beat, a line ``TIME NAME ADDRESS`` for each."""

    def put(record: Record, name: str, body: IO[bytes]) -> Awaitable[None]:
        """
        Keep one job output.

        :raises StoreError: over quota, a name against the rules, or no disk.
        """
