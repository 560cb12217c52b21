"""What is known of files' contents: digests and signatures, found out beside the cycle."""

from __future__ import annotations

import os
from typing import Any, Callable, Tuple

from attrs import define, field
from twisted.internet.defer import Deferred

from vcycle.core.errors import CallTimedOut, ImageMissing, VcycleError
from vcycle.images.files import digest, told
from vcycle.interfaces import RunInThread

Verify = Callable[[str, str], str]
"""The DN that signed a file, which has to match an expression; raises VcycleError. It blocks."""

READ_SECONDS = 1800.0
GOOD_SECONDS = 86_400.0
"""A signature is looked at again after so long: certificates expire, and are revoked."""

REFUSED_SECONDS = 300.0
"""A refusal is looked at again after so long: CRLs and authorities are brought up to date."""

MOST = 1000
_LONG_AGO = float("-inf")
Identity = Tuple[int, ...]  # noqa: UP006 (at run time)


def cannot_verify(path: str, expression: str) -> str:
    """Where nobody can, nothing is signed."""
    raise ImageMissing(f"{path}: signatures cannot be verified here")


@define
class _Answer:
    """A text, or why there is none."""

    text: str | None
    problem: str | None
    at: float

    def is_stale(self, now: float) -> bool:
        """Whether it is time to ask anew. A moment in the future is a clock set back."""
        seconds = REFUSED_SECONDS if self.text is None else GOOD_SECONDS
        return not 0 <= now - self.at < seconds


@define(eq=False)
class Proofs:
    """
    Remembers answers by a file's path and state, so that each file is read once for each
    question. ``woken`` is called when an answer that nobody could wait for is there.
    """

    in_thread: RunInThread
    clock: Callable[[], float]
    verify: Verify = cannot_verify
    woken: Callable[[], None] = lambda: None
    _answers: dict[tuple[Any, ...], _Answer] = field(factory=dict, init=False)
    _asking: set[tuple[Any, ...]] = field(factory=set, init=False)
    _pardons: int = field(default=0, init=False)

    def sha256(self, path: str, identity: Identity) -> str:
        """
        The digest of a file.

        :raises ImageMissing: it is not known yet; it is being found out.
        """
        return self._now(("sha256", path, identity), f"{path}: its SHA-256 is being computed")

    def signer(self, path: str, identity: Identity, expression: str) -> str:
        """
        Who signed a file.

        :raises ImageMissing: nobody who matches; or it is not known yet.
        """
        return self._now(
            ("signer", path, identity, expression), f"{path}: its signature is being verified"
        )

    def note(self, path: str, identity: Identity, expression: str, signer: str) -> None:
        """It was just found out who signed this file."""
        question = ("signer", path, identity, expression)
        self._answers[question] = _Answer(signer, None, self.clock())

    def forgive(self) -> None:
        """
        Forget refusals, and ask anew who signed what: whom to trust may be another question now.
        Approvals stand meanwhile, and digests for ever.
        """
        self._pardons += 1
        for question, answer in tuple(self._answers.items()):
            if answer.text is None:
                del self._answers[question]
            elif question[0] == "signer":
                answer.at = _LONG_AGO

    async def signed(self, path: str, expression: str) -> str:
        """
        Who signed a file; waits, and remembers nothing.

        :raises VcycleError: nobody who matches.
        """
        return await self.in_thread(lambda: self.verify(path, expression), READ_SECONDS)

    def _now(self, question: tuple[Any, ...], meanwhile: str) -> str:
        answer = self._answers.get(question)
        stale = answer is None or answer.is_stale(self.clock())
        if stale and question not in self._asking:
            self._asking.add(question)
            Deferred.fromCoroutine(self._ask(question))
            answer = self._answers.get(question)
        if answer is None:
            raise ImageMissing(meanwhile)
        if answer.text is None:
            raise ImageMissing(answer.problem or "")
        return answer.text

    async def _ask(self, question: tuple[Any, ...]) -> None:
        kind, path, pardons = question[0], question[1], self._pardons

        def work() -> str:
            if kind == "signer":
                return self.verify(path, question[3])
            with told(path):
                return digest(path)

        try:
            answer = _Answer(await self.in_thread(work, READ_SECONDS), None, self.clock())
        except CallTimedOut as error:
            answer = _Answer(None, f"{path}: the disk does not answer: {error}", _LONG_AGO)
        except VcycleError as error:
            answer = _Answer(None, str(error), self.clock())
        finally:
            self._asking.discard(question)
        if kind == "signer" and pardons != self._pardons:
            answer.at = _LONG_AGO
        if len(self._answers) >= MOST:
            self._answers.clear()
        self._answers[question] = answer
        self.woken()


def identity_of(known: os.stat_result) -> Identity:
    """Equal as long as nobody changed a file."""
    return (known.st_dev, known.st_ino, known.st_size, known.st_mtime_ns, known.st_ctime_ns)
