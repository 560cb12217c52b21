"""Every slot of a space, whether there is a machine in it or not."""

from __future__ import annotations

import argparse

from vcycle.commands.views import machinerows as rows
from vcycle.commands.views.columns import Look, in_order
from vcycle.commands.views.gathered import Gathered, Question, View, keys, table
from vcycle.core.vacquery.messages import Kind

COLUMNS = (rows.MACHINE, *rows.FACTS, *rows.WIDE, rows.MESSAGE)


def view(gathered: Gathered, arguments: argparse.Namespace) -> View:
    """As the module says."""
    machines = in_order(COLUMNS, rows.machines(gathered), arguments.sort)

    def text(look: Look) -> str:
        return table(COLUMNS, machines, look)

    return View(
        objects={"machines": [rows.as_object(machine) for machine in machines]},
        names=[machine.told.machine for machine in machines],
        text=text,
        nothing="" if machines else "no slots",
    )


QUESTION = Question(kinds=(Kind.MACHINES, Kind.FACTORY), columns=keys(COLUMNS), view=view)
