"""Everything Vcycle raises on purpose, in one tree."""

from __future__ import annotations

import enum


class VcycleError(Exception):
    """Root of the tree. To catch it is to say "a failure we foresaw"."""


class ConfigError(VcycleError):
    """A configuration cannot be used; ``problems`` holds every reason, in reading order."""

    def __init__(self, problems: tuple[object, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "; ".join(map(str, self.problems))


class StoreError(VcycleError):
    """What had to be on disk is not: disk full, read-only, damaged. The text names the path."""


class NotOurs(StoreError):
    """The state directory belongs to another running daemon; the text says which."""


class DiskError(VcycleError):
    """A machine's disk could not be formed; nothing of it is left behind."""


class HostFault(DiskError):
    """The host has no room, gives no answer or does not permit it: no machinetype is to blame."""


class ImageMissing(VcycleError):
    """An image or template is not here; the text says what was looked for, and the cure."""


class CredentialError(VcycleError):
    """A certificate or key cannot be used; the text names the file, and says why."""


class FetchError(VcycleError):
    """Something could not be fetched whole; the text names the address and says why."""


class PipeError(VcycleError):
    """A vacuum pipe's document cannot be used; the text says where in it, and why."""


class UserDataError(VcycleError):
    """A machine's user_data cannot be made from its template; the text says why, and the cure."""


class Scope(enum.Enum):
    """How far a provider's refusal reaches."""

    REQUEST = "request"
    MACHINETYPE = "machinetype"
    SPACE = "space"


class ProviderError(VcycleError):
    """
    The provider refused: nothing was changed by our asking.

    ``scope`` says whether asking for something else may still work.
    """

    scope = Scope.REQUEST


class OutcomeUnknown(ProviderError):
    """We stopped waiting, or lost the answer. It may yet take effect: look, never assume."""


class Unreachable(ProviderError):
    """No connection to the provider; nothing was asked."""

    scope = Scope.SPACE


class Malformed(ProviderError):
    """The provider's answer was not understood; it says nothing about its machines."""

    scope = Scope.SPACE


class NoCapacity(ProviderError):
    """The provider has no room for this machine now."""

    scope = Scope.SPACE


class BadRequest(ProviderError):
    """This machinetype's image, model or devices are wrong, however often we ask."""

    scope = Scope.MACHINETYPE


class NameTaken(ProviderError):
    """A machine of that name, or of that uuid but not ours, is there already."""


class CallTimedOut(VcycleError):
    """A blocking call passed its deadline; its thread was written off, its effect is not known."""


class MalformedQuery(VcycleError):
    """A datagram is no VacQuery message that we understand; the text says why."""
