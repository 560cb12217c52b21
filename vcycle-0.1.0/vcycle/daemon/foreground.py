"""``vcycled``: the same as ``twistd vcycle``, in the foreground, for systemd and for people."""

from __future__ import annotations

import sys


def main() -> None:
    """Run twistd with what a service in the foreground needs; other options are passed on."""
    from twisted.python.usage import UsageError
    from twisted.scripts.twistd import run

    from vcycle.daemon.plugin import Options

    options = Options()
    options.synopsis = f"Usage: vcycled {Options.synopsis}"
    try:
        options.parseOptions(sys.argv[1:])
    except UsageError as error:
        # twistd tells of it too, but until 26.10 it then ends as if all were well.
        sys.exit(f"vcycled: {error}")
    own = ["--nodaemon", "--pidfile=", "--logger=vcycle.daemon.logs.observer", "vcycle"]
    sys.argv[1:] = own + sys.argv[1:]
    run()


if __name__ == "__main__":
    main()
