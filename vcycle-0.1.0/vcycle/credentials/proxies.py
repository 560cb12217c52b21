"""The proxies of machines, made from the files of their machinetypes."""

from __future__ import annotations

import os
from typing import Callable, TypeVar

from attrs import frozen
from zope.interface import implementer

from vcycle.core.errors import CallTimedOut, CredentialError
from vcycle.credentials.issuer import Issuer, read_issuer
from vcycle.credentials.proxy import make_proxy
from vcycle.interfaces import ICredentials, RunInThread

R = TypeVar("R")
CERTIFICATE, KEY = "x509cert.pem", "x509key.pem"


@implementer(ICredentials)
@frozen(kw_only=True)
class Proxies:
    """Reads the files anew for each proxy, so that a renewed certificate counts at once."""

    in_thread: RunInThread
    clock: Callable[[], float]

    async def ready(self, directory: str, until: float, legacy: bool) -> None:
        """As ``proxy``, but nothing is made."""
        now = self.clock()

        def check() -> None:
            _issuer(directory).check(now=now, until=until, legacy=legacy)

        await self._run(directory, check)

    async def proxy(self, directory: str, name: str, until: float, legacy: bool) -> bytes:
        now = self.clock()
        return await self._run(
            directory,
            lambda: make_proxy(_issuer(directory), now=now, until=until, legacy=legacy),
        )

    async def _run(self, directory: str, work: Callable[[], R]) -> R:
        try:
            return await self.in_thread(work)
        except CallTimedOut as error:
            raise CredentialError(f"{directory}: no proxy was made in time: {error}") from error


def _issuer(directory: str) -> Issuer:
    return read_issuer(os.path.join(directory, CERTIFICATE), os.path.join(directory, KEY))
