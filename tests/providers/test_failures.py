"""Tests for vcycle.providers.libvirt.failures."""

from __future__ import annotations

import libvirt
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.errors import (
    BadRequest,
    NoCapacity,
    OutcomeUnknown,
    ProviderError,
    Scope,
    Unreachable,
)
from vcycle.providers.libvirt.failures import NoNetwork, failure, lost


def raised(code: int, domain: int = libvirt.VIR_FROM_QEMU, text: str = "words") -> Exception:
    """An error as libvirt would raise it."""
    error = libvirt.libvirtError(text)
    error.err = (code, domain, text, 2, None, None, None, -1, -1)
    assert isinstance(error, Exception)
    return error


class FailureTests(SynchronousTestCase):
    def test_kinds(self) -> None:
        """Each of libvirt's errors becomes the type that says what to do."""
        for code, text, kind in (
            (libvirt.VIR_ERR_XML_ERROR, "words", BadRequest),
            (libvirt.VIR_ERR_CONFIG_UNSUPPORTED, "words", BadRequest),
            (libvirt.VIR_ERR_NO_NETWORK, "words", NoNetwork),
            (libvirt.VIR_ERR_NO_MEMORY, "words", NoCapacity),
            (libvirt.VIR_ERR_INTERNAL_ERROR, "qemu: Cannot allocate memory", NoCapacity),
            (libvirt.VIR_ERR_OPERATION_TIMEOUT, "words", OutcomeUnknown),
            (libvirt.VIR_ERR_AUTH_FAILED, "words", Unreachable),
            (libvirt.VIR_ERR_SYSTEM_ERROR, "no such file", ProviderError),
            (12345, "words", ProviderError),
        ):
            error = failure("doing", raised(code, text=text), lost=False, writing=True)
            self.assertIs(kind, type(error), code)
            self.assertIn(f"doing: libvirt says: {text}", str(error))

    def test_lost(self) -> None:
        """With the way to libvirt lost, a question was not answered, and a deed may be done."""
        error = raised(libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_FROM_RPC, "End of file")
        self.assertTrue(lost(error, None))
        self.assertIs(Unreachable, type(failure("doing", error, lost=True, writing=False)))
        self.assertIs(OutcomeUnknown, type(failure("doing", error, lost=True, writing=True)))

    def test_text(self) -> None:
        """libvirt's text arrives in one line of bounded length."""
        error = failure("doing", raised(1, text="a\nb\n" * 10_000), lost=False, writing=False)
        self.assertNotIn("\n", str(error))
        self.assertLess(len(str(error)), 600)

    def test_scope(self) -> None:
        """Without its network no machine of the space can be made."""
        self.assertIs(Scope.SPACE, NoNetwork("words").scope)
