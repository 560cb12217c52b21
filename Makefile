# For packagers and for a tar install; administrators find the RPM easier.
#
#   make install DESTDIR=... PREFIX=/usr     the files of the RPM, from an unpacked sdist
#   make man completion html                 what the sdist holds ready made (needs sphinx, shtab)

PREFIX = /usr
SYSCONFDIR = /etc
STATEDIR = /var/lib
DESTDIR =
PYTHON = python3
SBINDIR = $(PREFIX)/sbin
BINDIR = $(PREFIX)/bin
DATADIR = $(PREFIX)/share
MANDIR = $(DATADIR)/man
UNITDIR = /usr/lib/systemd/system
SYSUSERSDIR = /usr/lib/sysusers.d
TMPFILESDIR = /usr/lib/tmpfiles.d
DOCDIR = $(DATADIR)/doc/vcycle
# polkit looks for rules here and in /etc, whatever the prefix is.
POLKITDIR = /usr/share/polkit-1/rules.d

# Debian's own Python puts modules and programs below PREFIX/local, unless it is told that it works
# for Debian; its modules of /usr/local are found only where it puts them by itself.
SCHEME = $(shell $(PYTHON) -c 'import sysconfig as s; print(getattr(s, "get_preferred_scheme", str)("prefix"))')
LOCAL = $(filter posix_local/usr/local,$(SCHEME)$(PREFIX))

.PHONY: all man html completion install install-python install-files

all:

man:
	$(PYTHON) -m sphinx -E -q -n -W -b man docs man.new
	rm -rf man && mkdir man && mv man.new/*.[1-8] man && rm -rf man.new

html:
	$(PYTHON) -m sphinx -E -q -n -W -b html docs html

completion:
	mkdir -p completion
	$(PYTHON) -m shtab --shell=bash -u vcycle.commands.main.parser > completion/vcycle.bash
	$(PYTHON) -m shtab --shell=zsh -u vcycle.commands.main.parser > completion/_vcycle

install: install-python install-files

install-python:
	DEB_PYTHON_INSTALL_LAYOUT=$(if $(LOCAL),posix_local,deb) \
	    $(PYTHON) -m pip install --no-deps --no-index --no-build-isolation --no-compile \
	    --no-warn-script-location --ignore-installed --root-user-action=ignore \
	    $(if $(DESTDIR),--root $(DESTDIR)) --prefix $(if $(LOCAL),/usr,$(PREFIX)) .

install-files:
	sh packaging/install.sh "$(DESTDIR)" BINDIR=$(BINDIR) SBINDIR=$(SBINDIR) \
	    SYSCONFDIR=$(SYSCONFDIR) STATEDIR=$(STATEDIR) DATADIR=$(DATADIR) MANDIR=$(MANDIR) \
	    UNITDIR=$(UNITDIR) SYSUSERSDIR=$(SYSUSERSDIR) TMPFILESDIR=$(TMPFILESDIR) \
	    DOCDIR=$(DOCDIR) POLKITDIR=$(POLKITDIR)
