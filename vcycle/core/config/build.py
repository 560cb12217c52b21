"""From texts to a Configuration, or to all the reasons why there is none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from attrs import define, field, frozen

from vcycle.core.config import checks
from vcycle.core.config.findings import Findings
from vcycle.core.config.kinds import KINDS
from vcycle.core.config.machinetypes import machinetype_of
from vcycle.core.config.model import (
    Configuration,
    Machinetype,
    Pipe,
    Problem,
    Settings,
    Space,
)
from vcycle.core.config.piped import Expansion, check_pipe
from vcycle.core.config.sections import Sheets, arrange
from vcycle.core.config.sheet import Layers, Sheet
from vcycle.core.config.syntax import Block, parse, shown
from vcycle.core.errors import ConfigError
from vcycle.core.pipes.document import MAX_TOLD

_NONE: Mapping[str, bytes] = {}
_PLAIN_SETTINGS = (
    *("log_directory", "journal_days", "journal_mb", "ca_directory", "allow_http"),
    *("https_proxy", "no_proxy", "image_check_seconds", "image_stall_seconds"),
    *("image_total_seconds", "image_max_gb", "image_cache_gb", "image_versions"),
)
_PLAIN_SPACE = ("hepscore23_per_processor", "volume_group", "sharing")
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
    documents: Mapping[str, bytes]
    most_told: int | None
    allow_http: bool = field(init=False)

    def __attrs_post_init__(self) -> None:
        layers = Layers([self.sheets.settings, self.sheets.default])
        self.allow_http = layers.get("allow_http")

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
            checks.check_references(sheet, self.findings, self.allow_http)
        checks.check_references(self.sheets.default, self.findings, self.allow_http)
        checks.check_references(self.sheets.settings, self.findings, self.allow_http)
        checks.check_secrets(self.sheets, self.findings)
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
            pipes=self._pipes(name, layers),
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
        pipes = self.sheets.pipes.get(space, {})
        own = self.sheets.machinetypes.setdefault(space, {})
        for name, sheet in own.items():
            checks.check_references(sheet, self.findings, self.allow_http)
            if any(name.startswith(f"{pipe}-") for pipe in pipes):
                continue
            layers = Layers([sheet, *above.sheets])
            machinetype = machinetype_of(space, name, layers, above)
            made[name] = machinetype
            if sheet.sound:
                checks.check_machinetype(machinetype, sheet, layers, self.findings)
        for pipe, sheet in pipes.items():
            for expanded in self._expanded(space, pipe, sheet, above, made):
                made[expanded.name] = expanded
        return made

    def _expanded(
        self, space: str, name: str, sheet: Sheet, above: Layers, taken: Collection[str]
    ) -> Sequence[Machinetype]:
        """The machinetypes of a pipe, if its document is here."""

        def make(name: str, layers: Layers) -> Machinetype:
            return machinetype_of(space, name, layers, above)

        checks.check_references(sheet, self.findings, self.allow_http)
        if not check_pipe(sheet, self.findings, self.allow_http) or not sheet.sound:
            return ()
        body = self.documents.get(sheet.parsed["vacuum_pipe_url"])
        if body is None:
            return ()
        expansion = Expansion(
            name=name,
            sheet=sheet,
            own=self.sheets.machinetypes[space],
            above=above.sheets,
            taken=taken,
            make=make,
            allow_http=self.allow_http,
            findings=self.findings,
            most_told=self.most_told,
        )
        return expansion.of(body)

    def _pipes(self, space: str, above: Layers) -> dict[str, Pipe]:
        return {
            name: Pipe(
                space=space,
                name=name,
                url=sheet.parsed["vacuum_pipe_url"],
                target_share=Layers([sheet, *above.sheets]).get("target_share"),
                cache_seconds=sheet.parsed.get("cache_seconds"),
            )
            for name, sheet in self.sheets.pipes.get(space, {}).items()
            if "vacuum_pipe_url" in sheet.parsed
        }


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


def examine(
    texts: Sequence[tuple[str, str]],
    host: str,
    documents: Mapping[str, bytes] = _NONE,
    exposed: Collection[str] = (),
    most_told: int | None = MAX_TOLD,
) -> Reading:
    """
    Read files, given as pairs of name and text in reading order, for the machine ``host``.

    ``documents`` are those of vacuum pipes, by URL: a pipe without one has no machinetypes.
    ``exposed`` are the files that every user of the host can read. Of each machinetype of a
    document that is left out ``most_told`` reasons are told, all if that is None. Nothing is
    raised, whatever the texts and documents hold.
    """
    findings = Findings([file for file, _ in texts], exposed)
    blocks: list[Block] = []
    for file, text in texts:
        blocks.extend(parse(file, text, findings))
    sheets = arrange(blocks, findings)
    building = _Building(sheets, host, findings, documents, most_told)
    settings, spaces = building.settings(), building.spaces()
    problems = findings.in_order()
    if findings.fatal:
        return Reading(configuration=None, problems=problems)
    configuration = Configuration(settings=settings, spaces=spaces, warnings=problems)
    return Reading(configuration=configuration, problems=problems)


def read(
    texts: Sequence[tuple[str, str]], host: str, documents: Mapping[str, bytes] = _NONE
) -> Configuration:
    """
    As ``examine``, for who wants a configuration or nothing.

    :raises ConfigError: it cannot be used; every reason is in it.
    """
    reading = examine(texts, host, documents)
    if reading.configuration is None:
        raise ConfigError(tuple(problem for problem in reading.problems if problem.fatal))
    return reading.configuration
