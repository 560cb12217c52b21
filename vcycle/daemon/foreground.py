"""``vcycled``: the same as ``twistd vcycle``, in the foreground, for systemd and for people."""

from __future__ import annotations

import sys


def main() -> None:
    """Run twistd with what a service in the foreground needs; other options are passed on."""
    from twisted.scripts.twistd import run

    own = ["--nodaemon", "--pidfile=", "--logger=vcycle.daemon.logs.observer", "vcycle"]
    sys.argv[1:] = own + sys.argv[1:]
    run()


if __name__ == "__main__":
    main()
