"""The promises of IExports, to be run against all that exports directories."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from zope.interface.verify import verifyObject

from vcycle.core.errors import DiskError
from vcycle.interfaces import IExports

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase as Base
else:
    Base = ABC

ONE, OTHER = "169.254.169.1", "169.254.169.2"


class ExportsContract(Base):
    """
    Mix into a SynchronousTestCase that sets ``exports`` and ``path``, a directory that can be
    exported, in ``setUp``.
    """

    exports: IExports
    path: str

    @abstractmethod
    def writable(self, address: str) -> bool | None:
        """How ``path`` is exported to an address; None if it is not."""

    def done(self, answer: Any) -> Any:
        assert isinstance(answer, Coroutine)
        return self.successResultOf(answer)

    def refused(self, answer: Any) -> str:
        assert isinstance(answer, Coroutine)
        return str(self.failureResultOf(answer, DiskError).value)

    def listed(self) -> set[tuple[str, str]]:
        return set(self.done(self.exports.exported()))

    def test_interface(self) -> None:
        """It declares and provides the whole interface."""
        self.assertTrue(verifyObject(IExports, self.exports))

    def test_life(self) -> None:
        """A directory is exported to one address until that ends, however often asked."""
        for _ in range(2):
            self.done(self.exports.export(self.path, ONE, False))
            self.assertEqual({(self.path, ONE)}, self.listed())
            self.assertIs(False, self.writable(ONE))
        for _ in range(2):
            self.done(self.exports.withdraw(self.path, ONE))
            self.assertEqual(set(), self.listed())
            self.assertIsNone(self.writable(ONE))

    def test_each_machine(self) -> None:
        """Each address has its own export; ending one leaves the other."""
        self.done(self.exports.export(self.path, ONE, False))
        self.done(self.exports.export(self.path, OTHER, True))
        self.assertEqual((False, True), (self.writable(ONE), self.writable(OTHER)))
        self.done(self.exports.withdraw(self.path, ONE))
        self.assertEqual({(self.path, OTHER)}, self.listed())

    def test_access(self) -> None:
        """Exported again, the later access holds."""
        self.done(self.exports.export(self.path, ONE, True))
        self.done(self.exports.export(self.path, ONE, False))
        self.assertIs(False, self.writable(ONE))
