"""
A process that serves a dashboard of a made-up space: ``python -m tests.system.shown PORT
STATE_DIR [hostile]``. Each second is a cycle.
"""

from __future__ import annotations

import sys
from typing import Any

from attrs import evolve
from twisted.internet import reactor as _reactor
from twisted.internet.task import LoopingCall

from tests.core.values import machinetype
from tests.inplace import in_place
from tests.monitor import scenery
from vcycle.core.accounting.waiting import Waiting
from vcycle.core.config.model import Settings
from vcycle.core.observation import Verdict
from vcycle.core.snapshot import Snapshot
from vcycle.daemon.clocks import wall
from vcycle.daemon.door import Door, entrance
from vcycle.daemon.monitoring import Monitoring
from vcycle.daemon.others import Others

reactor: Any = _reactor
HOSTILE = "<img src=x onerror=alert(1)>"


async def waiting() -> Waiting:
    return Waiting(count=3, oldest=wall() - 7000)


def images() -> list[dict[str, object]]:
    first, second = scenery.IMAGES
    return [{**first, "confirmed_at": wall() - 95}, dict(second)]


def hostile(snapshot: Snapshot) -> Snapshot:
    """Names and texts that a page must not take for its own."""
    of = snapshot.space
    name = "<b>bold</b>"
    wicked = evolve(of, machinetypes={**of.machinetypes, name: machinetype(name)})
    verdict = Verdict(machinetype=name, word=HOSTILE, text=HOSTILE)
    problems = (HOSTILE, "</script><script>alert(2)</script>")
    return evolve(
        snapshot,
        space=evolve(wicked, description=HOSTILE),
        verdicts=(*snapshot.verdicts, verdict),
        problems=problems,
    )


def main(port: int, state_dir: str, wicked: bool) -> None:
    settings = Settings(
        state_dir=state_dir, vacquery_port=0, vacquery_interface="", monitor_port=port
    )
    monitoring = Monitoring(
        state_dir, in_place, in_place, wall, others=Others(images=images, waiting=waiting)
    )
    began = entrance(settings, lambda: None)
    snapshot = scenery.busy(wall())
    scenery.lived(monitoring.trend, snapshot.space.name, wall())
    door = Door(reactor, settings, monitoring, lambda: {"factory1.example.com"}, began)
    for record in scenery.ends(wall()):
        if wicked:
            record = evolve(record, message=HOSTILE)
        monitoring.ended(snapshot.space, record)
    turn = 0

    def cycle() -> None:
        nonlocal turn
        turn += 1
        shown = scenery.busy(wall(), turn, 214.0 + turn)
        monitoring.publish(hostile(shown) if wicked else shown)

    reactor.callWhenRunning(door.startService)
    LoopingCall(cycle).start(1.0)
    reactor.run()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], "hostile" in sys.argv[3:])
