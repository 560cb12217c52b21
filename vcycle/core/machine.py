"""One machine: how it is seen, what we wrote down, what it left behind, how it ended."""

from __future__ import annotations

import enum

from attrs import field, frozen


class Condition(enum.Enum):
    """What a provider says of a machine it lists."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


class State(enum.Enum):
    """Where a machine stands; always computed, never stored."""

    REQUESTED = "requested"
    STARTING = "starting"
    RUNNING = "running"
    DRAINING = "draining"
    MISSING = "missing"
    DOOMED = "doomed"
    ENDED = "ended"


class Outcome(enum.Enum):
    """How a machine's life ended."""

    COMPLETED = "completed"
    ABORTED = "aborted"
    FIZZLED = "fizzled"
    SILENT = "silent"
    OVERTIME = "overtime"
    PAUSED = "paused"
    NEVER_STARTED = "never-started"
    VANISHED = "vanished"
    STOPPED = "stopped"


class Model(enum.Enum):
    """How a machine boots; the words of the option ``machine_model``."""

    CERNVM3 = "cernvm3"
    CERNVM4 = "cernvm4"
    VM_RAW = "vm-raw"
    VM_DIRECT = "vm-direct"


@frozen(kw_only=True)
class Doom:
    """Why a machine is to be destroyed, and since when (Unix seconds)."""

    outcome: Outcome
    text: str
    since: float


@frozen(kw_only=True)
class Limits:
    """
    The times that a machine was granted when it was created, in seconds.

    ``heartbeat_seconds`` 0 means that the heartbeat file must exist, at whatever age.
    """

    fizzle_seconds: int
    max_wallclock_seconds: int
    heartbeat_file: str | None = None
    heartbeat_seconds: int = 0


@frozen(kw_only=True)
class Record:
    """
    All that is on disk of one machine. Times are Unix seconds; None is "not yet".

    What accounting and supervision need is kept here from the machine's creation on, so
    that no later configuration can change what a machine was promised.
    ``born`` is requested_at as it was first written, in whole seconds: a clock step moves all other
    times, never this one. ``clock`` counts the steps that the times include. ``image`` is the path
    of the version that it boots from, ``volume_group`` where its blank disk is if that is no file,
    ``scratch_bytes`` how large that disk is, 0 for none, ``exports`` are the directories exported
    to it by NFS. ``gocdb``: ``site`` is a name of the GOCDB, so that its record is to be sent.
    """

    uuid: str
    name: str
    slot: int
    space: str
    factory: str
    machinetype: str
    model: Model
    processors: int
    memory_mb: int
    limits: Limits
    secret: str
    born: int
    requested_at: float
    shutdown_time: float
    address: str | None = None
    mac: str | None = None
    site: str | None = None
    hs06_per_processor: float | None = None
    accounting_fqan: str | None = None
    keep_days: float = 3.0
    started_at: float | None = None
    seen_at: float | None = None
    cpu_seconds: float = 0.0
    cpu_percentage: float = 0.0
    missing_since: float | None = None
    doom: Doom | None = None
    ended_at: float | None = None
    outcome: Outcome | None = None
    message: str | None = None
    abort: bool = False
    clock: int = 0
    image: str | None = None
    volume_group: str | None = None
    exports: tuple[str, ...] = ()
    hepscore23_per_processor: float | None = None
    gocdb: bool = False
    scratch_bytes: int = 0

    @property
    def directory(self) -> str:
        """The name of its directory: ``<born>_<machinetype>_<name>``."""
        return f"{self.born}_{self.machinetype}_{self.name}"

    @property
    def hs06(self) -> float:
        """HS06 of the whole machine, 1.0 per processor where it is not known."""
        return self.processors * (self.hs06_per_processor or 1.0)


@frozen(kw_only=True)
class Traces:
    """What the machine itself wrote into its outputs; times are Unix seconds."""

    heartbeat_at: float | None = None
    message: str | None = None
    message_at: float | None = None


@frozen(kw_only=True)
class Ending:
    """An end that the provider reported by an event: a hint for times, never a state."""

    at: float
    how: str


@frozen(kw_only=True)
class Mark:
    """
    What a machine carries with itself so that it can be known again, and adopted.

    ``owner`` names one daemon's state on one host; a machine of another owner is foreign.
    ``facts`` is the JSON text of the Record as it was when the machine was made.
    """

    owner: str
    space: str
    uuid: str
    name: str
    facts: str


@frozen(kw_only=True)
class Sighting:
    """
    One machine in a provider's list.

    ``mark`` is None for a machine that is not Vcycle's. ``cpu_seconds`` is over all processors.
    """

    uuid: str
    name: str
    condition: Condition
    mark: Mark | None = None
    processors: int = 1
    memory_mb: int = 0
    cpu_seconds: float = 0.0
    raw: str = ""


@frozen(kw_only=True)
class Survey:
    """
    One look at a provider.

    ``absent`` holds the expected uuids of which the provider said that there is no such
    machine. An expected machine that is neither listed nor absent is *not known*.
    ``endings`` are the ends that events told of since the daemon started, by uuid.
    """

    taken_at: float
    complete: bool
    sightings: tuple[Sighting, ...] = ()
    absent: frozenset[str] = frozenset()
    endings: dict[str, Ending]
    problem: str | None = None


@frozen(kw_only=True)
class Capacity:
    """What a provider has in all, ours and others' use included; None is not known."""

    processors: int | None = None
    memory_mb: int | None = None


@frozen(kw_only=True)
class Traits:
    """How to read a provider. ``settle_seconds``: until a machine asked for must be visible."""

    settle_seconds: float
    authoritative: bool
    max_user_data: int


@frozen(kw_only=True)
class Boot:
    """Direct kernel boot: absolute paths on the hypervisor, and the kernel's arguments."""

    kernel: str
    initrd: str | None
    arguments: str


@frozen(kw_only=True)
class Disk:
    """
    A disk as the hypervisor sees it. ``kind`` is "raw" or "qcow2"; ``device`` like "vda".

    Where ``pool`` names a storage pool of the hypervisor's, ``path`` is a volume's name in it.
    """

    path: str
    kind: str
    device: str
    cdrom: bool = False
    pool: str | None = None


@frozen(kw_only=True)
class Seed:
    """What a CD-ROM for a machine holds: its volume label, and contents by path ("a/b")."""

    label: str
    files: tuple[tuple[str, bytes], ...] = field(repr=False)


@frozen(kw_only=True)
class Shared:
    """A directory of the host's that the hypervisor shares with a machine under a tag."""

    tag: str
    path: str
    writable: bool
    how: str


@frozen(kw_only=True)
class Forming:
    """
    A disk to be formed: an overlay of ``backing`` if that is set, a CD-ROM of ``seed`` if that
    is, else blank and sparse.

    ``size`` is in bytes; None for an overlay means the size of its backing image.
    """

    disk: Disk
    backing: str | None = None
    size: int | None = None
    seed: Seed | None = None


@frozen(kw_only=True)
class Spec:
    """
    All that a provider must know to make one machine.

    ``metadata_url`` is where the machine finds its metadata, None for the well-known address, and
    ``hinted`` says that its firmware tells cloud-init so: one that has its user_data otherwise
    would look there in vain. ``console`` is the file for its serial console.
    """

    record: Record
    mark: Mark
    disks: tuple[Disk, ...]
    console: str
    boot: Boot | None = None
    metadata_url: str | None = None
    shared: tuple[Shared, ...] = ()
    hinted: bool = True
