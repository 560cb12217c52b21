"""What a machine is answered, apart from how it asked."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import IO

from attrs import field, frozen

from vcycle.core.errors import StoreError
from vcycle.core.machine import Record
from vcycle.core.metadata import HEARTBEATS, Facts, Places, document, wants_user_data
from vcycle.guests.routes import Route
from vcycle.interfaces import IGuestBook


@frozen
class Answer:
    """A status and a body; without a body of its own a status is answered with its phrase."""

    status: HTTPStatus
    body: bytes = field()

    @body.default
    def _phrase(self) -> bytes:
        return f"{self.status.phrase}\n".encode()


NOT_FOUND = Answer(HTTPStatus.NOT_FOUND)
FORBIDDEN = Answer(HTTPStatus.FORBIDDEN)
BAD_REQUEST = Answer(HTTPStatus.BAD_REQUEST)
LENGTH_REQUIRED = Answer(HTTPStatus.LENGTH_REQUIRED)
TOO_LARGE = Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
NO_ROOM = Answer(HTTPStatus.INSUFFICIENT_STORAGE)
TOO_BUSY = Answer(HTTPStatus.SERVICE_UNAVAILABLE)
FAILED = Answer(HTTPStatus.INTERNAL_SERVER_ERROR)
CREATED = Answer(HTTPStatus.CREATED, b"")


def find(book: IGuestBook, route: Route, address: str | None) -> Record | None:
    """The machine that a route and the caller's address speak for."""
    if route.secret is not None:
        return book.by_secret(route.secret)
    return None if address is None else book.by_address(address)


async def read(book: IGuestBook, record: Record, parts: tuple[str, ...], base: str) -> Answer:
    """What a machine sees at a path of its tree, which the machine itself sees below ``base``."""
    if parts and parts[0] in ("machinefeatures", "jobfeatures"):
        machine, job = book.features(record)
        return _feature(machine if parts[0] == "machinefeatures" else job, parts[1:])
    if parts and parts[0] == HEARTBEATS:
        # Of its own machinetype alone: others may be of other owners.
        own = parts[1:] == (record.space, record.machinetype)
        return Answer(HTTPStatus.OK, book.heartbeats(record)) if own else NOT_FOUND
    user_data = await book.user_data(record) if wants_user_data(parts) else None
    facts = Facts(
        record=record,
        places=Places.below(base),
        public_key=book.public_key(record),
        user_data=user_data,
    )
    body = document(parts, facts)
    return NOT_FOUND if body is None else Answer(HTTPStatus.OK, body)


async def leave(book: IGuestBook, record: Record, name: str, body: IO[bytes]) -> Answer:
    """Keep a whole job output."""
    try:
        await book.put(record, name, body)
    except StoreError:
        return NO_ROOM
    return CREATED


def _feature(values: Mapping[str, str], rest: tuple[str, ...]) -> Answer:
    """One value, or the keys line by line."""
    if rest in ((), ("",)):
        return Answer(HTTPStatus.OK, "".join(f"{key}\n" for key in sorted(values)).encode())
    if len(rest) > 1 or rest[0] not in values:
        return NOT_FOUND
    return Answer(HTTPStatus.OK, values[rest[0]].encode("utf-8", "surrogateescape"))
