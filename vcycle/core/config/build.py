"""From texts to a Configuration, or to all the reasons why there is none."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, frozen

from vcycle.core.config import checks
from vcycle.core.config.findings import Findings
from vcycle.core.config.kinds import KINDS
from vcycle.core.config.model import Configuration, Machinetype, Problem, Settings, Space
from vcycle.core.config.sections import Sheets, arrange
from vcycle.core.config.sheet import Layers, Sheet
from vcycle.core.config.syntax import Block, parse, shown
from vcycle.core.errors import ConfigError
from vcycle.core.machine import Model

DISK_GB = 40.0
_PLAIN_SETTINGS = (
    *("log_directory", "journal_days", "journal_mb", "ca_directory", "allow_http"),
    *("https_proxy", "no_proxy", "image_check_seconds", "image_stall_seconds"),
    *("image_total_seconds", "image_max_gb", "image_cache_gb", "image_versions"),
)
_PLAIN_SPACE = ("hepscore23_per_processor", "volume_group", "sharing")
_PLAIN_MACHINETYPE = (
    *("root_image_sha256", "image_signing_dn", "user_data_delivery", "user_data_proxy"),
    *("legacy_proxy", "cvmfs_proxy_machinetype"),
)
"""Options whose values are taken as they were read."""


@frozen(kw_only=True)
class Reading:
    """What came of reading: no configuration if a problem is fatal. All problems, in order."""

    configuration: Configuration | None
    problems: tuple[Problem, ...]


@define
class _Building:
    sheets: Sheets
    host: str
    findings: Findings

    def settings(self) -> Settings:
        layers = Layers([self.sheets.settings, self.sheets.default])
        return Settings(
            state_dir=layers.get("state_dir"),
            vacquery_port=layers.get("vacquery_port"),
            vacquery_interface=layers.get("vacquery_interface") or "",
            monitor_port=layers.get("monitor_port"),
            monitor_interface=layers.get("monitor_interface") or "",
            **{name: layers.get(name) for name in _PLAIN_SETTINGS},
        )

    def spaces(self) -> dict[str, Space]:
        spaces: dict[str, Space] = {}
        for name, sheet in self.sheets.spaces.items():
            layers = Layers([sheet, self.sheets.settings, self.sheets.default])
            spaces[name] = self._space(name, sheet, layers)
            checks.check_space(spaces[name], sheet, layers, self.findings)
        checks.check_spaces(self.sheets, spaces, self.findings)
        return spaces

    def _space(self, name: str, sheet: Sheet, layers: Layers) -> Space:
        factory = self._factory(sheet, layers)
        return Space(
            name=name,
            factory_name=factory,
            factories=_full_names(layers.get("factories") or (), factory),
            udp_timeout_seconds=layers.get("udp_timeout_seconds"),
            vacmon_hostport=layers.get("vacmon_hostport") or (),
            query_allow=layers.get("query_allow"),
            query_rate=layers.get("query_rate"),
            vacquery_secret_file=layers.get("vacquery_secret_file"),
            vacquery_require_secret=layers.get("vacquery_require_secret"),
            libvirt_uri=layers.get("libvirt_uri"),
            guest_network=layers.get("guest_network"),
            guest_http_port=layers.get("guest_http_port"),
            forward_dev=layers.get("forward_dev"),
            fix_networking=layers.get("fix_networking"),
            cycle_seconds=layers.get("cycle_seconds"),
            total_machines=layers.get("total_machines"),
            total_processors=layers.get("total_processors"),
            total_mb=layers.get("total_mb"),
            creations_per_cycle=layers.get("creations_per_cycle"),
            mb_per_processor=layers.get("mb_per_processor"),
            hs06_per_processor=layers.get("hs06_per_processor"),
            processors_per_superslot=layers.get("processors_per_superslot"),
            overload_per_processor=layers.get("overload_per_processor"),
            shutdown_time=layers.get("shutdown_time"),
            draining=layers.get("draining"),
            gocdb_sitename=layers.get("gocdb_sitename"),
            description=layers.get("description") or None,
            **{name: layers.get(name) for name in _PLAIN_SPACE},
            machinefeatures_options=layers.named("machinefeatures_option_"),
            machinetypes=self._machinetypes(name, layers),
        )

    def _factory(self, sheet: Sheet, layers: Layers) -> str:
        """Names of machines are made from it, so that it must have a domain."""
        named = layers.value("factory_name")
        name: str = layers.get("factory_name") or self.host.lower().rstrip(".")
        if "." in name and _is_host(name):
            return name
        if named is not None:
            self.findings.error_at(
                named,
                f"{named.header} factory_name = {shown(named.text)}: expected a host name with its"
                " domain, such as factory1.example.com",
            )
        else:
            why = "which is no good host name" if "." in self.host else "without a domain"
            self.findings.error_at(
                self.sheets.settings,
                f"[settings]: this host is called {shown(self.host)}, {why}: set factory_name in"
                " [settings], such as factory_name = factory1.example.com",
            )
        return name

    def _machinetypes(self, space: str, above: Layers) -> dict[str, Machinetype]:
        made: dict[str, Machinetype] = {}
        for name, sheet in self.sheets.machinetypes.get(space, {}).items():
            layers = Layers([sheet, *above.sheets])
            machinetype = self._machinetype(space, name, layers, above)
            made[name] = machinetype
            if sheet.sound:
                checks.check_machinetype(machinetype, sheet, layers, self.findings)
        return made

    def _machinetype(self, space: str, name: str, layers: Layers, above: Layers) -> Machinetype:
        options, files = layers.user_data()
        fewest: int = layers.get("min_processors")
        longest: int = layers.get("max_wallclock_seconds")
        shortest: int | None = layers.get("min_wallclock_seconds")
        fqan: str | None = layers.get("accounting_fqan")
        model: Model = layers.get("machine_model")
        return Machinetype(
            space=space,
            name=name,
            target_share=layers.get("target_share"),
            machinegroup=layers.get("machinegroup") or fqan or name,
            machine_model=model,
            root_image=layers.get("root_image"),
            kernel=layers.get("kernel"),
            initrd=layers.get("initrd"),
            kernel_arguments=layers.get("kernel_arguments") or "",
            root_device=layers.get("root_device"),
            scratch_device=layers.get("scratch_device"),
            user_data=layers.get("user_data"),
            user_data_options=options,
            user_data_files=files,
            min_processors=fewest,
            max_processors=layers.get("max_processors") or fewest,
            max_wallclock_seconds=longest,
            min_wallclock_seconds=longest if shortest is None else shortest,
            backoff_seconds=layers.get("backoff_seconds"),
            fizzle_seconds=layers.get("fizzle_seconds"),
            heartbeat_file=layers.get("heartbeat_file"),
            heartbeat_seconds=layers.get("heartbeat_seconds"),
            accounting_fqan=fqan,
            disk_gb_per_processor=_disk(model, layers, above),
            machines_dir_days=layers.get("machines_dir_days"),
            root_public_key=layers.get("root_public_key"),
            shared_dirs=layers.get("shared_dirs") or (),
            **{name: layers.get(name) for name in _PLAIN_MACHINETYPE},
        )


def _is_host(name: str) -> bool:
    try:
        KINDS["host"].parse(name)
    except ValueError:
        return False
    return True


def _full_names(names: Sequence[str], factory: str) -> tuple[str, ...]:
    """Factories' names as asked for: '.' is our own, and a bare name is of our domain."""
    domain = factory.partition(".")[2]
    full = (factory if n == "." else n if "." in n else f"{n}.{domain}" for n in names)
    return tuple(dict.fromkeys(full))


def _disk(model: Model, layers: Layers, above: Layers) -> float | None:
    """A machinetype may have less than its space, never more; 0 is as if it were not set."""
    own: float | None = layers.get("disk_gb_per_processor") or None
    most: float | None = above.get("disk_gb_per_processor") or None
    if own is None:
        return most or (None if model is Model.VM_DIRECT else DISK_GB)
    return own if most is None else min(own, most)


def examine(texts: Sequence[tuple[str, str]], host: str) -> Reading:
    """
    Read files, given as pairs of name and text in reading order, for the machine ``host``.

    Nothing is raised, whatever the texts hold.
    """
    findings = Findings([file for file, _ in texts])
    blocks: list[Block] = []
    for file, text in texts:
        blocks.extend(parse(file, text, findings))
    sheets = arrange(blocks, findings)
    building = _Building(sheets, host, findings)
    settings, spaces = building.settings(), building.spaces()
    problems = findings.in_order()
    if findings.fatal:
        return Reading(configuration=None, problems=problems)
    configuration = Configuration(settings=settings, spaces=spaces, warnings=problems)
    return Reading(configuration=configuration, problems=problems)


def read(texts: Sequence[tuple[str, str]], host: str) -> Configuration:
    """
    As ``examine``, for who wants a configuration or nothing.

    :raises ConfigError: it cannot be used; every reason is in it.
    """
    reading = examine(texts, host)
    if reading.configuration is None:
        raise ConfigError(tuple(problem for problem in reading.problems if problem.fatal))
    return reading.configuration
