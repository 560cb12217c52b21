#!/bin/sh
# packaging/install.sh DESTDIR NAME=VALUE...: install all files that are no Python, for the
# Makefile and the spec, which name the directories.
set -eu
root=$1
shift
for word in "$@"; do
    case $word in
        BINDIR=* | SBINDIR=* | SYSCONFDIR=* | STATEDIR=* | DATADIR=* | MANDIR=* | UNITDIR=* | \
        SYSUSERSDIR=* | TMPFILESDIR=* | DOCDIR=* | POLKITDIR=*) eval "${word%%=*}=\${word#*=}" ;;
        *) echo "install.sh: what is $word?" >&2; exit 2 ;;
    esac
done
cd "$(dirname "$0")/.."

put() { # MODE FILE PATH
    install -Dpm "$1" "$2" "$root$3"
}

# As put, for files that name our programs: they are told where those are.
put_told() { # MODE FILE PATH
    put "$@"
    sed -e "s,/usr/sbin/\(vcycled\|check-vcycled\),$SBINDIR/\1,g" \
        -e "s,/usr/bin/vcycle,$BINDIR/vcycle,g" "$2" > "$root$3"
    touch -r "$2" "$root$3"
}

# As put or put_told, for what administrators edit: theirs stays, and ours comes beside it if it is
# another, as rpm does it too: cron and logrotate pass that ending over.
kept() { # put|put_told MODE FILE PATH
    if [ ! -e "$root$4" ]; then
        "$@"
        return
    fi
    "$1" "$2" "$3" "$4.rpmnew"
    if cmp -s "$root$4" "$root$4.rpmnew"; then
        rm "$root$4.rpmnew"
    else
        echo "$4 stays as it is; what this version brings is $4.rpmnew" >&2
    fi
}

# Administrators look for these in sbin; newer systems have only one directory.
install -dm 0755 "$root$SBINDIR"
if [ ! "$root$SBINDIR" -ef "$root$BINDIR" ]; then
    for name in vcycled check-vcycled; do
        mv "$root$BINDIR/$name" "$root$SBINDIR/"
    done
    ln -sf "../${BINDIR##*/}/vcycle" "$root$SBINDIR/vcycle"
fi

install -dm 0755 "$root$SYSCONFDIR/vcycle.d" "$root$STATEDIR/vcycle"
kept put 0644 etc/example.vcycle.conf "$SYSCONFDIR/vcycle.conf"
put_told 0644 packaging/rpm/vcycled.service "$UNITDIR/vcycled.service"
put 0644 packaging/rpm/vcycle.rules "$POLKITDIR/60-vcycle.rules"
put 0644 packaging/rpm/vcycle.sysusers "$SYSUSERSDIR/vcycle.conf"
put 0644 packaging/rpm/vcycle.tmpfiles "$TMPFILESDIR/vcycle.conf"
kept put 0644 packaging/rpm/vcycle.logrotate "$SYSCONFDIR/logrotate.d/vcycle"
kept put_told 0644 etc/cron.d/vcycle-ssmsend-cron "$SYSCONFDIR/cron.d/vcycle-ssmsend-cron"
kept put 0644 etc/apel/vcycle-ssmsend-prod.cfg "$SYSCONFDIR/apel/vcycle-ssmsend-prod.cfg"
kept put_told 0644 etc/nrpe/vcycle.cfg "$SYSCONFDIR/nrpe.d/vcycle.cfg"
put 0644 completion/vcycle.bash "$DATADIR/bash-completion/completions/vcycle"
put 0644 completion/_vcycle "$DATADIR/zsh/site-functions/_vcycle"
for page in man/*.[1-8]; do
    put 0644 "$page" "$MANDIR/man${page##*.}/${page##*/}"
done

# What is read, and copied from: the guide, examples, what other programs are told.
for file in README.rst CHANGES etc/example.vcycle.conf etc/testkvm.xml \
    packaging/puppet/vcycle/manifests/init.pp; do
    put 0644 "$file" "$DOCDIR/${file##*/}"
done
for file in etc/vcycle.d/* etc/monitoring/* etc/nagios/* etc/user_data/*; do
    [ ! -f "$file" ] || put 0644 "$file" "$DOCDIR/${file#etc/}"
done
(cd html && find . -type f ! -name '*.buildinfo' ! -path './.doctrees/*') | while read -r file; do
    put 0644 "html/$file" "$DOCDIR/html/$file"
done
