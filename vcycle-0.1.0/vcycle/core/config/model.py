"""A whole configuration, checked: what the daemon is told to do."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, field, frozen

from vcycle.core.machine import Model


@frozen(kw_only=True)
class Machinetype:
    """
    A recipe for machines; times in seconds, ``disk_gb_per_processor`` in 10^9 bytes.

    ``pipe`` is the prefix of the vacuum pipe that it is from, if it is from one.
    ``shared_dirs`` are tags, directories, and whether machines may write there;
    ``cvmfs_proxy_machinetype`` is a machinetype and a port.
    """

    space: str
    name: str
    target_share: float
    machinegroup: str
    machine_model: Model
    root_image: str | None
    kernel: str | None
    initrd: str | None
    kernel_arguments: str
    root_device: str
    scratch_device: str
    user_data: str | None
    user_data_options: Mapping[str, str] = field(factory=dict, repr=False)
    user_data_files: Mapping[str, str]
    min_processors: int
    max_processors: int
    max_wallclock_seconds: int
    min_wallclock_seconds: int
    backoff_seconds: int
    fizzle_seconds: int
    heartbeat_file: str | None
    heartbeat_seconds: int
    accounting_fqan: str | None
    disk_gb_per_processor: float | None
    machines_dir_days: float
    root_public_key: str | None
    root_image_sha256: str | None = None
    image_signing_dn: str | None = None
    user_data_delivery: tuple[str, ...] = ("metadata",)
    user_data_proxy: bool = False
    legacy_proxy: bool = False
    cvmfs_proxy_machinetype: tuple[str, int] | None = None
    shared_dirs: tuple[tuple[str, str, bool], ...] = ()
    pipe: str | None = None

    @property
    def directory(self) -> str:
        """Below ``machinetypes``, the name of the directory of its own files: that of its pipe."""
        return self.pipe or self.name


@frozen(kw_only=True)
class Pipe:
    """
    A vacuum pipe: a document of somebody else's that describes machinetypes.

    ``cache_seconds`` None leaves it to the document. ``target_share`` is that of all of it.
    """

    space: str
    name: str
    url: str
    target_share: float
    cache_seconds: int | None = None


@frozen(kw_only=True)
class Space:
    """
    One space as one factory of this daemon runs it.

    ``total_*`` are None where the provider's own capacity is the limit; ``shutdown_time``
    is in Unix seconds; ``guest_http_port`` 0 lets the system choose one.
    """

    name: str
    factory_name: str
    factories: tuple[str, ...]
    udp_timeout_seconds: float = 10.0
    vacmon_hostport: tuple[tuple[str, int], ...] = ()
    query_allow: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    query_rate: int = 2000
    vacquery_secret_file: str | None = None
    vacquery_require_secret: bool = False
    libvirt_uri: str
    guest_network: str
    guest_http_port: int
    forward_dev: str | None
    fix_networking: bool
    cycle_seconds: float
    total_machines: int | None
    total_processors: int | None
    total_mb: int | None
    creations_per_cycle: int
    mb_per_processor: int
    hs06_per_processor: float | None
    hepscore23_per_processor: float | None = None
    volume_group: str | None = None
    sharing: str = "auto"
    processors_per_superslot: int
    overload_per_processor: float
    shutdown_time: int | None
    draining: bool
    gocdb_sitename: str | None
    description: str | None
    machinefeatures_options: Mapping[str, str] = Factory(dict)
    machinetypes: Mapping[str, Machinetype]
    pipes: Mapping[str, Pipe] = Factory(dict)

    @property
    def site(self) -> str:
        """The GOCDB name, or the space's name without its first label (all of it if it has one)."""
        return self.gocdb_sitename or self.name.partition(".")[2] or self.name


@frozen(kw_only=True)
class Settings:
    """
    What is the daemon's own and not a space's; a port 0 is not opened.

    Sizes of images are in 10^9 bytes, ``journal_mb`` in MiB. None is what the environment or
    the host has.
    """

    state_dir: str
    vacquery_port: int
    vacquery_interface: str
    monitor_port: int
    monitor_interface: str = "127.0.0.1"
    log_directory: str = "/var/log"
    journal_days: float = 7.0
    journal_mb: int = 200
    ca_directory: str | None = None
    allow_http: bool = False
    https_proxy: str | None = None
    no_proxy: str | None = None
    image_check_seconds: int = 300
    image_stall_seconds: int = 60
    image_total_seconds: int = 21600
    image_max_gb: float = 50.0
    image_cache_gb: float = 200.0
    image_versions: int = 2


@frozen(kw_only=True)
class Problem:
    """
    Something that an administrator has to see; ``line`` counts from 1.

    A problem that is not ``fatal`` is a warning: the configuration can be used.
    """

    file: str
    line: int | None
    text: str
    fatal: bool = True

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.text}"


@frozen(kw_only=True)
class Configuration:
    """``spaces`` is by name, in the order in which they were first named."""

    settings: Settings
    spaces: Mapping[str, Space]
    warnings: tuple[Problem, ...]
