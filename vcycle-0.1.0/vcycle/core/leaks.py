"""What nobody owns any more, of which there should be nothing."""

from __future__ import annotations

from vcycle.core.machine import Survey
from vcycle.core.observation import Plan


def unclaimed(survey: Survey | None, plan: Plan, owner: str, space: str) -> int:
    """
    How many listed machines carry our mark and are in no record, after this plan.

    Machines that are adopted, or are being destroyed, are owned.
    """
    if survey is None:
        return 0
    ours = {reviewed.record.uuid for reviewed in plan.machines}
    ours.update(record.uuid for record in (*plan.end, *plan.destroy, *plan.adopt))
    return sum(
        1
        for sighting in survey.sightings
        if sighting.mark is not None
        and sighting.mark.owner == owner
        and sighting.mark.space == space
        and sighting.uuid not in ours
    )
