"""A whole configuration, checked: what the daemon is told to do."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, field, frozen

from vcycle.core.machine import Model


@frozen(kw_only=True)
class Machinetype:
    """A recipe for machines; times in seconds, ``disk_gb_per_processor`` in 10^9 bytes."""

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
    processors_per_superslot: int
    overload_per_processor: float
    shutdown_time: int | None
    draining: bool
    gocdb_sitename: str | None
    description: str | None
    machinefeatures_options: Mapping[str, str] = Factory(dict)
    machinetypes: Mapping[str, Machinetype]

    @property
    def site(self) -> str:
        """The GOCDB name, or the space's name without its first label (all of it if it has one)."""
        return self.gocdb_sitename or self.name.partition(".")[2] or self.name


@frozen(kw_only=True)
class Settings:
    """What is the daemon's own and not a space's; a port 0 is not opened."""

    state_dir: str
    vacquery_port: int
    vacquery_interface: str
    monitor_port: int


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
