"""Every machine of a space, with a line that says how many there are."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from attrs import asdict, frozen

from vcycle.commands.views import machinerows as rows
from vcycle.commands.views.columns import Look, in_order
from vcycle.commands.views.gathered import Gathered, Question, View, counted, keys, summary, table
from vcycle.core.vacquery.messages import Kind

COLUMNS = (rows.FACTORY, rows.SLOT, *rows.FACTS, *rows.WIDE, rows.MESSAGE)


@frozen(kw_only=True)
class Totals:
    """Sums over a space; ``processors_limit`` is None where no factory tells one."""

    machines_running: int
    machines_starting: int
    processors_running: int
    processors_limit: int | None


def totals(gathered: Gathered, machines: Sequence[rows.Machine]) -> Totals:
    """What all factories that answered have together."""
    limits = [f.max_processors for f in gathered.factories if f.max_processors is not None]
    there = [machine for machine in machines if machine.is_there]
    return Totals(
        machines_running=sum(machine.state == "running" for machine in there),
        machines_starting=sum(machine.state == "starting" for machine in there),
        processors_running=sum(machine.told.num_processors or 0 for machine in there),
        processors_limit=sum(limits) if limits else None,
    )


def view(gathered: Gathered, arguments: argparse.Namespace) -> View:
    """As the module says; slots without a machine only if all are wanted."""
    machines = rows.machines(gathered)
    wanted = [machine for machine in machines if arguments.all or machine.is_there]
    shown = in_order(COLUMNS, wanted, arguments.sort)
    sums = totals(gathered, machines)

    def text(look: Look) -> str:
        parts = (
            table(COLUMNS, shown, look),
            summary(_words(sums, gathered), gathered, look),
        )
        return "\n".join(filter(None, parts))

    return View(
        objects={**asdict(sums), "machines": [rows.as_object(machine) for machine in shown]},
        names=[machine.told.machine for machine in shown],
        text=text,
    )


def _words(sums: Totals, gathered: Gathered) -> str:
    machines = counted(sums.machines_running, "machine")
    factories = counted(gathered.answered, "factory", "factories")
    limit = "an unknown number" if sums.processors_limit is None else str(sums.processors_limit)
    return (
        f"{machines} running, {sums.machines_starting} starting on {factories},"
        f" {sums.processors_running} of {limit} processors"
    )


QUESTION = Question(kinds=(Kind.MACHINES, Kind.FACTORY), columns=keys(COLUMNS), view=view)
