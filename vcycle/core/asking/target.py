"""One factory of a round: what was asked of it, what it told, and when to ask again."""

from __future__ import annotations

from attrs import define, field, frozen

from vcycle.core.vacquery.messages import (
    Answer,
    FactoryStatus,
    Kind,
    MachineStatus,
    MachinetypeStatus,
    expected,
)

Address = tuple[str, int]
"""An IPv4 address and a port."""

TRIES = (0.0, 0.04, 0.12, 0.25, 0.45, 0.70)
"""When a factory is asked, as shares of its time: soon again what was lost, later what was away."""

QUIET_TRIES = (0.0, 0.4)
QUIET_SHARE = 0.1
QUIET_SECONDS = 0.5
"""A factory known to be silent is given this share of the time, and at least so many seconds."""

EMPTY_TRIES = 4
EMPTY_SECONDS = 0.15
"""A factory that is alive, and tells nothing though asked so often, has nothing to tell."""

MAX_ANSWERS = 10_000
"""The most answers of one factory that are kept or waited for, whatever it announces."""


@frozen
class Heard:
    """One answer, and when it came by the round's clock."""

    answer: Answer
    at: float


@define(eq=False, kw_only=True)
class Target:
    """
    ``next_at`` is when ``due`` has to be called; None once nothing more is expected.

    A factory may be right to tell nothing: one without machinetypes has no answer to a query
    for them. So it is asked for its own status too as soon as it seems silent.
    """

    name: str
    addresses: tuple[Address, ...]
    cookie: str
    kind: Kind
    quiet: bool
    next_at: float | None
    deadline: float
    tries: int = field(default=0, init=False)
    announced: int | None = field(default=None, init=False)
    status: Heard | None = field(default=None, init=False)
    answers: dict[str, Heard] = field(factory=dict, init=False)
    trouble: str | None = field(default=None, init=False)
    _since: float = field(default=0.0, init=False)

    @property
    def settled(self) -> bool:
        """Nothing more is expected of it, or it was given up."""
        return self.next_at is None

    @property
    def alive(self) -> bool:
        """It told anything."""
        return bool(self.answers) or self.status is not None

    @property
    def whole(self) -> bool:
        """It told all that it announced, or that it has nothing to tell."""
        if self.announced is not None:
            return len(self.answers) >= self.announced
        return self.status is not None

    @property
    def seconds(self) -> float:
        """How long it is waited for, from its first query on."""
        whole = max(self.deadline - self._since, 0.0)
        return min(whole, max(QUIET_SECONDS, QUIET_SHARE * whole)) if self.quiet else whole

    def due(self, now: float) -> tuple[Kind, ...]:
        """Its time has come: what it has to be asked now, if anything."""
        if not self.tries:
            self._since = now
        over = now >= self._since + self.seconds
        if over or (self._bare and self.tries >= EMPTY_TRIES):
            self.next_at = None
            return ()
        if self.tries >= len(TRIES):
            self.next_at = self._later()
            return ()
        self.tries += 1
        self.next_at = self._later()
        if self._bare:
            self.next_at = min(self.next_at, now + EMPTY_SECONDS)
        if self.kind is Kind.FACTORY or self.tries == 1 or self.alive:
            return (self.kind,)
        return (self.kind, Kind.FACTORY)

    def take(self, answer: Answer, now: float) -> bool:
        """Keep an answer; False if it is not what was asked for, or too much."""
        if self.quiet:
            self.quiet = False
            self.next_at = self._later()
        if isinstance(answer, FactoryStatus):
            self.status = Heard(answer, now)
            if self.kind is Kind.FACTORY:
                self.next_at = None
            elif self._bare and self.next_at is not None:
                self.next_at = min(self.next_at, now + EMPTY_SECONDS)
            return True
        name = self._about(answer)
        if name is None or (name not in self.answers and len(self.answers) >= MAX_ANSWERS):
            return False
        self.answers[name] = Heard(answer, now)
        self.announced = min(expected(answer), MAX_ANSWERS)
        if self.whole:
            self.next_at = None
        return True

    def why(self) -> str:
        """Why it told nothing, or less than it announced."""
        if self.alive:
            text = f"only {len(self.answers)} of {self.announced} answers came"
        elif not self.tries:
            text = "there was no time to ask it"
        else:
            asked = ", ".join(f"{host}:{port}" for host, port in self.addresses)
            text = f"no answer from {asked} within {round(self.seconds, 1):g} s"
        return text if self.trouble is None else f"{text}: {self.trouble}"

    @property
    def _bare(self) -> bool:
        return self.kind is not Kind.FACTORY and self.status is not None and not self.answers

    def _later(self) -> float:
        """When it is asked again, or given up after the last try."""
        shares = QUIET_TRIES if self.quiet else TRIES
        share = shares[self.tries] if self.tries < len(shares) else 1.0
        return self._since + share * self.seconds

    def _about(self, answer: Answer) -> str | None:
        """What the answer tells of, if such answers were asked for."""
        if isinstance(answer, MachineStatus) and self.kind is Kind.MACHINES:
            return answer.machine
        if isinstance(answer, MachinetypeStatus) and self.kind is Kind.MACHINETYPES:
            return answer.machinetype
        return None
