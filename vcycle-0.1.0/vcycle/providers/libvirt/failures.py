"""libvirt's errors in Vcycle's words: a type that says what to do, and libvirt's own text."""

from __future__ import annotations

import libvirt

from vcycle.core.errors import (
    BadRequest,
    NoCapacity,
    OutcomeUnknown,
    ProviderError,
    Scope,
    Unreachable,
)

_MAX_TEXT = 500

_BAD_REQUEST = {
    libvirt.VIR_ERR_XML_ERROR,
    libvirt.VIR_ERR_XML_DETAIL,
    libvirt.VIR_ERR_XML_INVALID_SCHEMA,
    libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
    libvirt.VIR_ERR_INVALID_ARG,
    libvirt.VIR_ERR_OS_TYPE,
    libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
}
_NO_ACCESS = {
    libvirt.VIR_ERR_AUTH_FAILED,
    libvirt.VIR_ERR_AUTH_CANCELLED,
    libvirt.VIR_ERR_AUTH_UNAVAILABLE,
    libvirt.VIR_ERR_ACCESS_DENIED,
    libvirt.VIR_ERR_NO_CONNECT,
}


class NoNetwork(ProviderError):
    """The machines' network is not there, so no machine can be made here; the text says why."""

    scope = Scope.SPACE


def code(error: libvirt.libvirtError) -> int | None:
    """libvirt's number for an error."""
    number: int | None = error.get_error_code()
    return number


def lost(error: libvirt.libvirtError, connection: libvirt.virConnect) -> bool:
    """Whether an error comes from the way to libvirt, and not from libvirt itself."""
    if error.get_error_domain() in (libvirt.VIR_FROM_RPC, libvirt.VIR_FROM_REMOTE):
        return True
    try:
        return not connection.isAlive()
    except libvirt.libvirtError:
        return True


def text(error: libvirt.libvirtError) -> str:
    """What libvirt says, in one line of bounded length."""
    return " ".join(str(error.get_error_message() or error).split())[:_MAX_TEXT]


def failure(doing: str, error: libvirt.libvirtError, *, lost: bool, writing: bool) -> ProviderError:
    """
    The ProviderError for what libvirt raised.

    ``lost`` as above; ``writing`` says that what was asked may have taken effect all the same.
    """
    number, said = code(error), f"{doing}: libvirt says: {text(error)}"
    if lost:
        if writing:
            return OutcomeUnknown(f"{said}; no answer came, so it may be done")
        return Unreachable(f"{said}; the connection is lost")
    if number == libvirt.VIR_ERR_OPERATION_TIMEOUT:
        return OutcomeUnknown(f"{said}; the machine's process seems to hang")
    if number in _NO_ACCESS:
        return Unreachable(said)
    if number == libvirt.VIR_ERR_NO_NETWORK:
        return NoNetwork(said)
    if number == libvirt.VIR_ERR_NO_MEMORY or "cannot allocate memory" in said.lower():
        return NoCapacity(said)
    if number in _BAD_REQUEST:
        return BadRequest(said)
    return ProviderError(said)
