#!/bin/sh
# packaging/rpm/private.sh BINDIR HOME: commands that find their Python packages in HOME, a
# directory of their own, before those of the distribution.
set -eu
mkdir -p "$1"
command() { # NAME MODULE
    cat > "$1" << END
#!/usr/bin/python3 -s
import sys

sys.path.insert(0, "$home")

from $2 import main

if __name__ == "__main__":
    sys.exit(main())
END
    chmod 0755 "$1"
}
home=$2
command "$1/vcycle" vcycle.commands.main
command "$1/vcycled" vcycle.daemon.foreground
# The check as in other packages, which never ends with what is a warning to Nagios.
sed -e '1s,.*,#!/usr/bin/python3 -s,' \
    -e "s|^import sys\$|&\\n\\nsys.path.insert(0, \"$home\")|" \
    "$(dirname "$0")/../scripts/check-vcycled" > "$1/check-vcycled"
chmod 0755 "$1/check-vcycled"
