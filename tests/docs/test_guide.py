"""What the guide names is there: chapters, options, commands, files."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from docs.extension.reference import subcommands
from vcycle.commands.main import parser
from vcycle.core.config.build import examine
from vcycle.core.config.findings import Findings
from vcycle.core.config.options import OPTIONS, find
from vcycle.core.config.syntax import parse

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/guide"
CHAPTERS = sorted(GUIDE.glob("*.rst"))
LITERAL = re.compile(r"``([^`\n]+)``")
BLOCK = re.compile(r"^( *)\.\. code-block:: (\w+)\n\n((?:\1 +.*\n|\n)+)", re.MULTILINE)

# Names with underscores that are no options: machines' and programs' words, Python's packages.
OTHERS = """\
shutdown_message joboutputs_url machinefeatures_url jobfeatures_url root_image_url machine_hostname
manager_hostname manager_version vm_hostname vmlm_version vmlm_hostname heartbeat_machines_url
option_x509_proxy user_data_option taken_at taken_at_iso factories_asked factories_answered
issue_discards root_squash nagios_nrpe prometheus_client service_identity scratch_limit_bytes
"""
# What the daemon makes below its state directory.
BELOW_STATE = """\
machinetypes spaces imagecache journal pipes apel-archive apel-outgoing apel-ledger apel-pending
vcycled.sock control.sock status.json drains.json
"""
# Files of the host and of other programs, and those that an administrator makes.
ELSEWHERE = """\
/etc/hosts /etc/lvm/lvm.conf /etc/sysconfig/network /etc/nagios/nrpe.d /etc/vac.conf /etc/vac.d
/etc/grid-security/certificates /etc/grid-security/vcycle-apel-cert.pem
/etc/grid-security/vcycle-apel-key.pem /etc/systemd/system/vcycled.service.d/nfs.conf
/etc/systemd/system/vcycled.service.d/files.conf
/etc/vcycle.secret /etc/vcycle.secrets /etc/vcycle.d/10-puppet.conf /etc/vcycle.d/example.conf
/etc/vcycle.d/shares.conf /usr/local
"""
# Where the RPM puts things; BINDIR and so on of packaging/install.sh.
PLACES = """\
BINDIR=/usr/bin SBINDIR=/usr/sbin SYSCONFDIR=/etc STATEDIR=/var/lib DATADIR=/usr/share
MANDIR=/usr/share/man UNITDIR=/usr/lib/systemd/system SYSUSERSDIR=/usr/lib/sysusers.d
TMPFILESDIR=/usr/lib/tmpfiles.d DOCDIR=/usr/share/doc/vcycle
POLKITDIR=/usr/share/polkit-1/rules.d
"""
PROGRAMS = "/usr/bin/vcycle /usr/sbin/vcycled /usr/sbin/check-vcycled /usr/lib64/vcycle"
# What packaging/install.sh wants to be there, and is built.
BUILT = "man/vcycle.1 html/index.html completion/_vcycle completion/vcycle.bash"


def texts() -> Iterator[tuple[str, str]]:
    """Chapters by name."""
    for path in CHAPTERS:
        yield path.stem, path.read_text("utf-8")


def blocks(*languages: str) -> Iterator[tuple[str, str]]:
    """The code blocks in these languages, with their chapter."""
    for chapter, text in texts():
        for _, language, body in BLOCK.findall(text):
            if language in languages:
                yield chapter, textwrap.dedent(body)


def commands() -> dict[str, argparse.ArgumentParser]:
    """Every ``vcycle`` command, those of several words too."""
    return dict(subcommands(parser()))


class ChapterTests(SynchronousTestCase):
    def test_order(self) -> None:
        """Each chapter has its place in the reader's order, and one place only."""
        listed = re.findall(r"^   ([a-z_]+)$", (GUIDE / "index.rst").read_text("utf-8"), re.M)
        self.assertEqual(len(listed), len(set(listed)))
        self.assertEqual({path.stem for path in CHAPTERS} - {"index"}, set(listed))

    def test_pictures(self) -> None:
        """Each picture that is shown is there, in the README too."""
        for path in (*CHAPTERS, ROOT / "docs/index.rst", ROOT / "README.rst"):
            for name in re.findall(r"^\.\. image:: (.+)$", path.read_text("utf-8"), re.M):
                self.assertTrue((path.parent / name).is_file(), f"{path.name}: {name}")

    def test_alone(self) -> None:
        """The README names files that are there."""
        text = (ROOT / "README.rst").read_text("utf-8")
        for name in re.findall(r"``((?:docs|etc|packaging|benchmarks)/[\w./-]+)", text):
            self.assertTrue((ROOT / name).exists(), name)


class OptionTests(SynchronousTestCase):
    def test_literals(self) -> None:
        """What looks like an option is one."""
        known = {option.name for option in OPTIONS} | set(OTHERS.split())
        prefixes = tuple(option.name for option in OPTIONS if option.prefix)
        for chapter, text in texts():
            if chapter == "metrics":
                continue
            for literal in LITERAL.findall(text):
                name = re.fullmatch(r"([a-z0-9]+(?:_[a-z0-9]+)+)(?: = .*)?", literal)
                if name is not None and name[1] not in known:
                    self.assertTrue(name[1].startswith(prefixes), f"{chapter}: {literal}")

    def test_sections(self) -> None:
        """What is shown of a configuration has sections and options that there are."""
        for chapter, body in blocks("ini"):
            findings = Findings(["x"])
            if "[Service]" in body:
                continue
            text = body if re.match(r"\s*(#.*\s+)*\[", body) else f"[machinetype x]\n{body}"
            shown = parse("x", f"{text}\n", findings)
            self.assertEqual((), findings.in_order(), chapter)
            for block in shown:
                for value in block.values:
                    either = find(block.kind, value.option) or find("space", value.option)
                    self.assertIsNotNone(either, f"{chapter}: {value.header} {value.option}")

    def test_whole(self) -> None:
        """A configuration that is shown whole can be used."""
        whole = [(c, b) for c, b in blocks("ini") if re.search(r"vcycle_space|^\[space", b, re.M)]
        self.assertGreaterEqual(len(whole), 4)
        for chapter, body in whole:
            problems = examine([("shown", body)], "factory1.example.com").problems
            self.assertEqual([], [str(p) for p in problems if p.fatal], chapter)


class CommandTests(SynchronousTestCase):
    def test_commands(self) -> None:
        """Each command that is named, in the text or at a prompt, is there with its options."""
        known = commands()
        firsts = {name.split()[0] for name in known}
        for chapter, words in said():
            if words[1].startswith("-") or words[1] not in firsts:
                self.assertIn(words[1], {"--version", "-h"}, f"{chapter}: {' '.join(words)}")
                continue
            of = next((known[n] for n in (" ".join(words[1:3]), words[1]) if n in known), None)
            if of is None:
                continue
            options = {o for action in of._actions for o in action.option_strings}
            for word in words[2:]:
                if re.match(r"--?[A-Za-z]", word):
                    self.assertIn(word.partition("=")[0], options, f"{chapter}: {' '.join(words)}")

    def test_overview(self) -> None:
        """The chapter on the command names every command."""
        text = (GUIDE / "command.rst").read_text("utf-8")
        for name in {name.split()[0] for name in commands()}:
            self.assertRegex(text, rf"``vcycle {name}\b", name)


def said() -> Iterator[tuple[str, list[str]]]:
    """What is said to ``vcycle`` in each chapter, as words."""
    for chapter, text in texts():
        lines = [literal for literal in LITERAL.findall(text) if literal.startswith("vcycle ")]
        for line in re.findall(r"^ *[$#] (vcycle .*)$", text, re.M):
            lines += re.split(r"[;|>]", line)
        for line in lines:
            words = shlex.split(line.strip(), comments=True)
            if len(words) > 1 and words[0] == "vcycle" and re.match(r"[a-z-]+$", words[1]):
                yield chapter, words


class FileTests(SynchronousTestCase):
    def test_paths(self) -> None:
        """Each file of ours that is named is one that is installed, or that the daemon makes."""
        there = installed() | set(ELSEWHERE.split())
        directories = {str(above) for path in there for above in Path(path).parents}
        for chapter, text in texts():
            for path in re.findall(r"(?<![\w.])/(?:etc|usr|var/lib/vcycle)(?:/[\w.-]*\w)+", text):
                below = path.partition("/var/lib/vcycle/")[2].split("/")[0]
                if path == "/var/lib/vcycle" or below in BELOW_STATE.split():
                    continue
                good = path in there or path in directories
                self.assertTrue(good, f"{chapter}: {path}")


def installed() -> set[str]:
    """The files that packaging/install.sh puts somewhere, and the programs."""
    with tempfile.TemporaryDirectory() as name:
        place, root = Path(name, "checkout"), Path(name, "root")
        shutil.copytree(ROOT / "packaging", place / "packaging", symlinks=True)
        for part in ("etc", "README.rst", "CHANGES"):
            (place / part).symlink_to(ROOT / part)
        for built in BUILT.split():
            (place / built).parent.mkdir(exist_ok=True)
            (place / built).touch()
        for program in ("vcycled", "check-vcycled"):
            (root / "usr/bin").mkdir(parents=True, exist_ok=True)
            (root / "usr/bin" / program).touch()
        command = ["sh", str(place / "packaging/install.sh"), str(root), *PLACES.split()]
        subprocess.run(command, check=True, capture_output=True)
        found = {f"/{path.relative_to(root)}" for path in root.rglob("*")}
    return found | set(PROGRAMS.split())
