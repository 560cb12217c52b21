"""Whom a command asks: the space, its factories and their port, by configuration and options."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence

from attrs import Factory, field, frozen

from vcycle.core.config.kinds import KINDS
from vcycle.core.config.model import Configuration, Space
from vcycle.core.config.options import find
from vcycle.core.errors import VcycleError
from vcycle.daemon.configuration import examine_files, places_of, this_host
from vcycle.daemon.secretfile import read_secret


class CannotAsk(VcycleError):
    """Nobody can be asked by this command line; the text says why, and the cure."""


@frozen(kw_only=True)
class Chosen:
    """
    Whom to ask, for how many ``seconds`` at most.

    ``factories`` are full names in lower case. Queries are signed with ``secret``; answers
    that are not are believed unless ``only_signed``. ``shares`` are the target shares of
    machinetypes that the configuration has. ``machinetype`` is the only one that is wanted, if
    one is. ``remark`` is to be told to who asks.
    """

    space: str
    factories: tuple[str, ...]
    port: int
    seconds: float
    secret: bytes | None = field(default=None, repr=False)
    only_signed: bool = False
    remark: str | None = None
    machinetype: str | None = None
    shares: Mapping[str, float] = Factory(dict)


def choose(arguments: argparse.Namespace) -> Chosen:
    """
    As the options say, and else the configuration.

    No configuration is needed where the space is named, and every factory in full.

    :raises CannotAsk: something is needed that neither says.
    """
    host = this_host().lower().rstrip(".")
    reading = examine_files(places_of(arguments.config), host)
    configuration = reading.configuration
    words, machinetype = list(arguments.factories), arguments.machinetype
    if machinetype is not None and "." in machinetype:
        # No machinetype's name has a dot.
        words, machinetype = [machinetype, *words], None
    given = tuple(name.lower().rstrip(".") or name for name in words)
    space = _space(configuration, arguments.space, given)
    own = host if space is None else space.factory_name
    configured = () if space is None else space.factories or (space.factory_name,)
    if machinetype is not None and _is_factory(machinetype, space, configured):
        given, machinetype = (machinetype.lower(), *given), None
    secret, remark = _secret(space, arguments.secret_file)
    return Chosen(
        space=arguments.space if space is None else space.name,
        factories=tuple(dict.fromkeys(_full(name, own, configured) for name in given))
        or configured,
        port=_port(configuration, arguments.port),
        seconds=_seconds(space, arguments.timeout),
        secret=secret,
        only_signed=space is not None and space.vacquery_require_secret,
        remark=remark,
        machinetype=machinetype,
        shares=_shares(space),
    )


def _space(
    configuration: Configuration | None, name: str | None, factories: Sequence[str]
) -> Space | None:
    """The space to ask in; None where it is not ours and the command line says all."""
    spaces = {} if configuration is None else configuration.spaces
    if name is None and len(spaces) == 1:
        return next(iter(spaces.values()))
    if name is not None and name in spaces:
        return spaces[name]
    if name is not None and factories and all("." in factory[1:] for factory in factories):
        return None
    if configuration is None:
        raise CannotAsk(
            "the configuration is not usable (see vcycle check): without it give --space, and"
            " factories with their domains"
        )
    names = ", ".join(sorted(spaces))
    if name is None:
        raise CannotAsk(f"the configuration has several spaces: give --space, one of {names}")
    raise CannotAsk(
        f"--space {name!r}: the configuration has only {names}; give factories with their"
        " domains to ask in another"
    )


def _is_factory(word: str, space: Space | None, configured: Iterable[str]) -> bool:
    """Whether a word without a dot is a factory's short name, and no machinetype's."""
    if space is not None and word in space.machinetypes:
        return False
    return word.lower() in [full.partition(".")[0] for full in configured]


def _full(name: str, own: str, configured: Iterable[str]) -> str:
    """A factory's full name: ``.`` is this one; a short name is a configured one, or next door."""
    if name == ".":
        return own
    try:
        KINDS["host"].parse(name)
    except ValueError as error:
        raise CannotAsk(f"factory {name!r}: {error}") from None
    if "." in name:
        return name
    found = [full for full in configured if full.partition(".")[0] == name]
    if len(found) > 1:
        raise CannotAsk(f"factory {name!r}: give the whole of one of {', '.join(found)}")
    domain = own.partition(".")[2]
    return found[0] if found else f"{name}.{domain}" if domain else name


def _port(configuration: Configuration | None, given: int | None) -> int:
    if given is not None:
        return given
    if configuration is not None:
        port = configuration.settings.vacquery_port
    else:
        option = find("settings", "vacquery_port")
        port = 0 if option is None else option.value_of_default()
    if not port:
        raise CannotAsk("vacquery_port is 0, any that is free: give --port")
    return port


def _seconds(space: Space | None, given: float | None) -> float:
    if given is not None:
        return given
    if space is not None:
        return space.udp_timeout_seconds
    option = find("settings", "udp_timeout_seconds")
    return 10.0 if option is None else float(option.value_of_default())


def _shares(space: Space | None) -> dict[str, float]:
    kinds = {} if space is None else space.machinetypes
    return {name: machinetype.target_share for name, machinetype in kinds.items()}


def _secret(space: Space | None, given: str | None) -> tuple[bytes | None, str | None]:
    """The secret to sign with, and what is to be said of one that not everybody may read."""
    configured = None if space is None else space.vacquery_secret_file
    path = given or configured
    if path is None:
        return None, None
    try:
        return read_secret(path), None
    except VcycleError as error:
        if given is not None or (space is not None and space.vacquery_require_secret):
            raise CannotAsk(str(error)) from None
        return None, f"{error}; asking without it"
