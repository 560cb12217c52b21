"""``vcycle cernvm-signature``: who signed a CernVM image, and whether that can be trusted."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vcycle.commands.main import Subcommands
    from vcycle.images.signature import Signed


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "cernvm-signature",
        help="verify the signature of a CernVM image",
        description="Verify the CernVM signature of an image as the daemon does: the digest of the"
        " whole image, the signer's certificate, its path to an authority in the CA directory,"
        " and CRLs. Exit status: 0 if the signature is good (and the signer is the one asked"
        " for), 1 if not, 2 if the command line is wrong.",
    )
    parser.add_argument("file", metavar="FILE", help="the image")
    parser.add_argument(
        "--dn",
        metavar="EXPRESSION",
        type=_expression,
        help="regular expression that the signer's whole DN must match, as in image_signing_dn;"
        " without one every signer is good whose certificate is",
    )
    parser.add_argument(
        "--ca-directory",
        metavar="DIR",
        help="certificates and CRLs of authorities (/etc/grid-security/certificates)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    import sys

    from vcycle.core.errors import VcycleError
    from vcycle.daemon.instants import wall
    from vcycle.images.authorities import default_directory, read_authorities
    from vcycle.images.signature import verify_image

    signed: Signed | None = None
    problem = None
    try:
        authorities = read_authorities(default_directory(arguments.ca_directory))
        signed = verify_image(
            arguments.file, authorities=authorities, expression=arguments.dn, now=wall()
        )
    except VcycleError as error:
        problem = str(error)
    if arguments.json:
        print(_as_json(arguments.file, signed, problem))
    elif signed is not None:
        print(_as_text(arguments.file, signed))
    else:
        print(f"Not verified: {problem}", file=sys.stderr)
    return 1 if signed is None else 0


def _expression(text: str) -> str:
    from vcycle.core.config.values import expression

    try:
        return expression(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected a regular expression such as .*/CN=cvm-sign0[12]\\.cern\\.ch"
        ) from None


def _as_text(path: str, signed: Signed) -> str:
    from vcycle.core.moments import moment

    lines = [
        f"Verified: {path}",
        f"signed by {signed.dn}",
        f"whose certificate is valid until {moment(signed.expires_at)}",
    ]
    lines += [f"{_plain(key)}: {_plain(value)}" for key, value in signed.information.items()]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """What an image says of itself is its author's: one line, printable, short."""
    return re.sub(r"[^ -~]", "?", text[:100])


def _as_json(path: str, signed: Signed | None, problem: str | None) -> str:
    import json

    report: dict[str, Any] = {"file": path, "verified": signed is not None}
    if signed is None:
        report["problem"] = problem
    else:
        report["dn"] = signed.dn
        report["expires_at"] = signed.expires_at
        report["version"] = signed.version
        report["information"] = signed.information
    return json.dumps(report, indent=2)
