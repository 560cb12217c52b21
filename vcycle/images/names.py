"""DNs in the slash form that grids write, and the expressions that they are held against."""

from __future__ import annotations

import re

from cryptography import x509

from vcycle.core.expressions import MAX_TEXT

MAX_NAME = MAX_TEXT
"""Longest DN that is compared with an expression."""
# The short names of OpenSSL's oneline form; any other attribute is written as its number.
_SHORT = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "street",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.13": "description",
    "2.5.4.15": "businessCategory",
    "2.5.4.17": "postalCode",
    "2.5.4.41": "name",
    "2.5.4.42": "GN",
    "2.5.4.43": "initials",
    "2.5.4.44": "generationQualifier",
    "2.5.4.45": "x500UniqueIdentifier",
    "2.5.4.46": "dnQualifier",
    "2.5.4.65": "pseudonym",
    "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
    "1.2.840.113549.1.9.2": "unstructuredName",
    "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL",
    "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST",
    "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
}
# What separates attributes, and first what within a value would look like another's beginning.
_SEPARATORS = re.compile(rb"(/(?=[^/=]*=))|[/+]")


def oneline(name: x509.Name) -> str:
    """
    A DN as ``/DC=ch/DC=cern/CN=host``, the form of OpenSSL's ``X509_NAME_oneline``.

    Attributes that are one part of the name together have a ``+`` between them; within values
    ``/`` and ``+`` have a ``\\`` before them, and bytes that are not printable ASCII are ``\\xHH``.
    Other than there so is a slash that makes part of a value look like an attribute, so that no
    value can pretend to be ``/CN=``.
    """
    return "".join(
        f"{'+' if number else '/'}{_kind(part.oid.dotted_string)}={_value(part.value)}"
        for rdn in name.rdns
        for number, part in enumerate(rdn)
    )


def _kind(oid: str) -> str:
    return _SHORT.get(oid, oid)


def _value(value: str | bytes) -> str:
    data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)
    data = _SEPARATORS.sub(lambda each: rb"\x2F" if each[1] else b"\\" + each[0], data)
    return "".join(chr(byte) if 0x20 <= byte <= 0x7E else f"\\x{byte:02X}" for byte in data)


def name_problem(dn: str, expression: str) -> str | None:
    """
    Why a DN is not what an expression asks for: the whole of it must match. None if it is.

    Elsewhere such expressions are searched for; of one that may be meant so, that is told.
    """
    if len(dn) > MAX_NAME:
        return f"the signer's DN is over {MAX_NAME} characters: {dn[:80]}..."
    if re.fullmatch(expression, dn):
        return None
    problem = f"the signer's DN is {dn}, which {expression} does not match"
    if expression.startswith(".*"):
        return problem
    return (
        f"{problem}; the expression must match all of it, so if a part is meant write .* before,"
        r" as in .*/CN=cvm-sign0[12]\.cern\.ch"
    )
