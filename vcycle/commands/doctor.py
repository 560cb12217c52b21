"""``vcycle doctor``: whether this host can run machines, and the cure for each reason why not."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vcycle.commands.main import Subcommands
    from vcycle.core.doctor import Finding

WORDS = {True: "ok", False: "FAILED", None: "?"}


def register(subcommands: Subcommands) -> None:
    parser = subcommands.add_parser(
        "doctor",
        help="see whether this host can run machines",
        description="Look at this host as the quick start does: KVM, libvirt, its name, the"
        " machines' network, Zeroconf, disk, ports, clock; with the cure for each failure. Nothing"
        " is changed. Run it as root, which tries KVM, the state directory and libvirt as the"
        " daemon's user, or as the user vcycle. Exit status: 0 if nothing failed,"
        " 1 if something did.",
    )
    parser.add_argument("--config", metavar="FILE", help="read only this configuration")
    parser.add_argument("-J", "--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from vcycle.commands.hostfacts import look
    from vcycle.core.doctor import diagnose
    from vcycle.daemon.configuration import examine_files, places_of, this_host

    name = this_host()
    reading = examine_files(places_of(arguments.config), name)
    findings = diagnose(look(reading.configuration, name))
    if arguments.json:
        print(_as_json(findings))
    else:
        print("\n".join(_lines(findings)))
        if reading.configuration is None:
            print("The configuration cannot be used (see vcycle check): defaults were looked at.")
    return int(any(finding.good is False for finding in findings))


def _lines(findings: tuple[Finding, ...]) -> list[str]:
    width = max(len(finding.what) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{WORDS[finding.good]:<6}  {finding.what:<{width}}  {finding.text}")
        if finding.cure:
            lines.append(f"{'':<6}  {'':<{width}}  -> {finding.cure}")
    failed = sum(finding.good is False for finding in findings)
    lines.append(
        f"{failed} of {len(findings)} failed." if failed else "This host can run machines."
    )
    return lines


def _as_json(findings: tuple[Finding, ...]) -> str:
    import json

    rows = [
        {"what": f.what, "good": f.good, "text": f.text, "cure": f.cure or None} for f in findings
    ]
    return json.dumps({"version": 1, "findings": rows}, indent=2)
