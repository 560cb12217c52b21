"""
What of a daemon's status file is healthy; plain values in, plain values out.

``check-vcycled`` has to start fast, so this module imports nothing but ranges, and it trusts
nothing in the file: what is not there, or is strange, is not known.
"""

from __future__ import annotations

from vcycle.core.ranges import Range

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OK, WARNING, CRITICAL, UNKNOWN = range(4)
STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
VERSION = 1

LIMIT = 600.0
"""Seconds without a heartbeat that are too many."""

FAILURES = 3
"""So many creations that failed one after another are more than bad luck."""

FAILURE_SECONDS = 3600.0
"""A failure to create that nothing followed says nothing any more after so long."""

UNSENT_SECONDS = 2 * 86400.0
"""Accounting records are sent once a day; older ones are not being sent."""

IMAGE_SECONDS = 86400.0
"""A server that could not be asked about an image for so long is not just busy."""

MOST_TEXTS = 5
MOST_LETTERS = 160


class Health:
    """``state`` is an exit status of the plug-ins' guidelines; ``text`` is one line."""

    def __init__(self, state: int, text: str, data: tuple[str, ...] = ()) -> None:
        self.state = state
        self.text = text
        self.data = data

    def __str__(self) -> str:
        line = f"VCYCLE {STATES[self.state]} - {self.text}"
        return f"{line} | {' '.join(self.data)}" if self.data else line


class _Findings:
    """What is not as it should be, the worst first."""

    def __init__(self) -> None:
        self._found: list[tuple[int, str]] = []

    def add(self, state: int, text: str) -> None:
        self._found.append((state, text))

    @property
    def state(self) -> int:
        return max((state for state, _ in self._found), default=OK)

    def text(self) -> str:
        told = [text for _, text in sorted(self._found, key=lambda each: -each[0])]
        told = list(dict.fromkeys(told))
        more = len(told) - MOST_TEXTS
        return "; ".join(told[:MOST_TEXTS] + ([f"and {more} more"] if more > 0 else []))


def judge(
    document: object,
    now: float,
    limit: float = LIMIT,
    warning: Range | None = None,
    critical: Range | None = None,
) -> Health:
    """
    The health of a daemon that left this status file, at ``now`` in Unix seconds.

    ``limit`` is the greatest age of a heartbeat in seconds; the ranges are of the number of
    running machines.
    """
    status = _dict(document)
    if status.get("version") != VERSION:
        return Health(UNKNOWN, "the status file is of another version: have one Vcycle installed")
    spaces = _dicts(status.get("spaces"))
    findings = _Findings()
    if not spaces:
        _heart(findings, "factory", _number(status.get("written")), now, limit)
    several = len(spaces) > 1
    for space in spaces:
        _space(findings, space, now, limit, f"{_text(space.get('space'))}: " if several else "")
    _problems(findings, status.get("problems"))
    if isinstance(status.get("responder"), dict):
        beat = _number(_dict(status.get("responder")).get("heartbeat"))
        _heart(findings, "responder", beat, now, limit)
    _images(findings, _dicts(status.get("images")), now)
    unsent = _accounting(findings, _dict(status.get("accounting")), now)
    running = _sum(spaces, "running")
    if critical is not None and critical.alerts(running):
        findings.add(CRITICAL, f"{running} machines run, which is not {critical}")
    elif warning is not None and warning.alerts(running):
        findings.add(WARNING, f"{running} machines run, which is not {warning}")
    text = findings.text() or _well(spaces, status)
    data = _data(spaces, now, limit, warning, critical, unsent)
    return Health(findings.state, f"{text}{_suffix(spaces)}", data)


def _well(spaces: list[dict[str, Any]], status: dict[str, Any]) -> str:
    text = "Factory + responder ok" if isinstance(status.get("responder"), dict) else "Factory ok"
    drained = [space for space in spaces if space.get("draining") is True]
    return f"{text}, draining" if drained else text


def _heart(
    findings: _Findings, whose: str, beat: float | None, now: float, limit: float, of: str = ""
) -> None:
    if beat is None:
        findings.add(CRITICAL, f"{of}No vcycled {whose} heartbeat")
    elif now - beat > limit:
        hours = (now - beat) / 3600
        findings.add(CRITICAL, f"{of}No vcycled {whose} heartbeat in {hours:.2f} hours")


def _space(findings: _Findings, space: dict[str, Any], now: float, limit: float, of: str) -> None:
    # What is configured to cycle seldom beats seldom.
    patience = max(limit, 3 * (_number(space.get("cycle_seconds")) or 0.0))
    _heart(findings, "factory", _number(space.get("heartbeat")), now, patience, of)
    answered = _number(space.get("answered"))
    if answered is not None and now - answered > patience:
        hours = (now - answered) / 3600
        findings.add(CRITICAL, f"{of}The provider has not answered for {hours:.2f} hours")
    failures = _dict(space.get("failures"))
    count, at = _number(failures.get("count")) or 0, _number(failures.get("at"))
    if count and at is not None and now - at <= FAILURE_SECONDS:
        state = CRITICAL if count >= FAILURES else WARNING
        text = f"{of}{count:.0f} creations failed: {_text(failures.get('text'))}"
        findings.add(state, text)
    _problems(findings, space.get("problems"), of)


def _problems(findings: _Findings, problems: object, of: str = "") -> None:
    for problem in problems[:MOST_TEXTS] if isinstance(problems, list) else []:
        findings.add(WARNING, f"{of}{_text(problem)}")


def _images(findings: _Findings, images: list[dict[str, Any]], now: float) -> None:
    for image in images:
        confirmed = _number(image.get("confirmed_at"))
        if confirmed is not None and now - confirmed > IMAGE_SECONDS and image.get("problem"):
            days = (now - confirmed) / 86400
            what = f"{_text(image.get('image'))} is of {days:.1f} days ago"
            findings.add(WARNING, f"{what}: {_text(image.get('problem'))}")


def _accounting(findings: _Findings, accounting: dict[str, Any], now: float) -> float | None:
    waiting, oldest = _number(accounting.get("waiting")), _number(accounting.get("oldest"))
    if waiting and oldest is not None and now - oldest > UNSENT_SECONDS:
        days = (now - oldest) / 86400
        findings.add(
            WARNING, f"{waiting:.0f} APEL records were not sent, the oldest of {days:.1f} days ago"
        )
    return waiting


def _suffix(spaces: list[dict[str, Any]]) -> str:
    """As the family has it: running machines of slots, running processors of all."""
    machines = f"{_sum(spaces, 'running')}/{_sum(spaces, 'slots')}"
    processors = f"{_sum(spaces, 'running_processors')}/{_sum(spaces, 'max_processors')}"
    return f" ({machines} {processors})"


def _data(
    spaces: list[dict[str, Any]],
    now: float,
    limit: float,
    warning: Range | None,
    critical: Range | None,
    unsent: float | None,
) -> tuple[str, ...]:
    beats = [beat for space in spaces if (beat := _number(space.get("heartbeat"))) is not None]
    age = max(0.0, now - min(beats)) if beats else None
    failures = sum(int(_number(_dict(space.get("failures")).get("count")) or 0) for space in spaces)
    data = [
        f"running={_sum(spaces, 'running')};{warning or ''};{critical or ''}"
        f";0;{_sum(spaces, 'slots')}",
        f"machines={_sum(spaces, 'machines')};;;0;",
        f"starting={_sum(spaces, 'starting')};;;0;",
        f"processors={_sum(spaces, 'running_processors')};;;0;{_sum(spaces, 'max_processors')}",
        f"failures={failures};;;0;",
    ]
    if age is not None:
        data.append(f"heartbeat={age:.0f}s;;{limit:g};0;")
    if unsent is not None:
        data.append(f"unsent={unsent:.0f};;;0;")
    return tuple(data)


def _sum(spaces: list[dict[str, Any]], key: str) -> int:
    return sum(int(_number(space.get(key)) or 0) for space in spaces)


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _number(value: object) -> float | None:
    """A finite number; JSON's readers let more pass."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if -1e15 < value < 1e15 else None


def _text(value: object) -> str:
    """One line of bounded length; a bar would begin the performance data."""
    line = " ".join(str(value).split()).replace("|", "/")
    clean = "".join(letter if letter.isprintable() else "?" for letter in line[: MOST_LETTERS + 1])
    return clean if len(clean) <= MOST_LETTERS else f"{clean[: MOST_LETTERS - 3]}..."
