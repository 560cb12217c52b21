#!/bin/sh
# packaging/rpm/build.sh [--private] OUTDIR: build the source and binary RPMs of this checkout, with
# rpmbuild. PYTHON names an interpreter that has the modules build, setuptools, shtab, sphinx and
# wheel, BUILD_NUMBER a release other than 1. --private builds the package that brings its Python
# packages along, as Enterprise Linux before 10 needs it (see the spec).
set -eu
private=''
[ "${1:-}" != --private ] || { private=yes; shift; }
# Where the spec's own default is the private one, so is this script's.
rhel=$(rpm --eval '%{?rhel}')
case $rhel in
    '' | *[!0-9]*) ;;
    *) [ "$rhel" -ge 10 ] || private=yes ;;
esac
[ $# = 1 ] || { echo "usage: $0 [--private] OUTDIR" >&2; exit 2; }
checkout=$(cd "$(dirname "$0")/../.." && pwd -P)
mkdir -p "$1/SOURCES"
top=$(cd "$1" && pwd -P)
cd "$checkout"
if [ -z "${PYTHON:-}" ]; then
    PYTHON=python3
    [ ! -x .venv/bin/python ] || PYTHON=$checkout/.venv/bin/python
fi

# The version is said once, in the package; a spec that says another is a mistake.
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' vcycle/__init__.py)
grep -q "^Version: *$version\$" packaging/rpm/vcycle.spec || {
    echo "The spec is not of version $version, which vcycle/__init__.py names." >&2
    exit 1
}

make -s man html completion PYTHON="$PYTHON"
"$PYTHON" -m build --sdist --no-isolation --outdir "$top/SOURCES" . > "$top/sdist.log" 2>&1 || {
    cat "$top/sdist.log" >&2
    exit 1
}
cp packaging/rpm/vcycle.sysusers "$top/SOURCES/"

set --
if [ -n "$private" ]; then
    # For the Python that will run it, which may not be the one that builds the sdist.
    PYTHON=/usr/bin/python3 packaging/rpm/wheels.sh "$top/SOURCES/vcycle-wheels-$version.tar"
    set -- --with private
fi
if [ -e /etc/debian_version ]; then
    # Debian's rpm knows no installed packages, so it cannot check what is required.
    set -- "$@" --nodeps --load packaging/rpm/macros.debian --define "__python3 $(command -v "$PYTHON")"
fi
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2> /dev/null || date +%s)
export SOURCE_DATE_EPOCH
# Building needs no network, and gets none where that can be.
offline=''
! unshare -n true 2> /dev/null || offline='unshare -n'
$offline rpmbuild -ba --quiet "$@" \
    --define "_topdir $top" \
    --define "build_number ${BUILD_NUMBER:-1}" \
    --define "_buildhost localhost" \
    --define "use_source_date_epoch_as_buildtime 1" \
    --define "clamp_mtime_to_source_date_epoch 1" \
    packaging/rpm/vcycle.spec
find "$top/SRPMS" "$top/RPMS" -name '*.rpm'
