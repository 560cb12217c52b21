#!/bin/sh
# packaging/rpm/wheels.sh OUTFILE: fetch the wheels of a private environment, for this host's
# Python and processor, as the source of the package that is built --with private. This is the
# step that needs a network; rpmbuild needs none.
set -eu
[ $# = 1 ] || { echo "usage: $0 OUTFILE" >&2; exit 2; }
PYTHON=${PYTHON:-python3}
here=$(cd "$(dirname "$0")" && pwd -P)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/wheels"
cp "$here/private.txt" "$work/wheels/requirements.txt"
"$PYTHON" -m pip download -q --disable-pip-version-check --only-binary :all: \
    --dest "$work/wheels" -r "$here/private.txt"
tar -C "$work" --sort=name --owner=0 --group=0 --mtime=@0 -cf "$1" wheels
