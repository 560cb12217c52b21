"""Tests for vcycle.core.config.ancestors."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vcycle.core.config.ancestors import translate
from vcycle.core.config.build import examine

VAC = r"""
[settings]
vac_space = vac01.example.com
factories = fac1.example.com fac2.example.com
cpu_total = 8
mb_per_cpu = 2048
domain_type = kvm
version_logger = 1
user_data_option_cvmfs_proxy = http://squid.example.com:3128
# a comment
[vmtype example]
vm_model = cernvm3
root_image = https://repo.example.com/cernvm3.iso
cernvm_signing_dn = /CN=cvm-sign01\.cern\.ch$
user_data = /var/lib/vac/machinetypes/example/files/user_data
log_machineoutputs = True
[targetshares]
example = 0.75
"""


def names(text: str) -> list[str]:
    return [str(problem) for problem in examine([("new.conf", text)], "fac1.example.com").problems]


class TranslateTests(SynchronousTestCase):
    def test_usable(self) -> None:
        """What comes of it can be used as it is, and has no old word in it any more."""
        text = translate([("vac.conf", VAC)]).text
        self.assertEqual([], names(text))
        configuration = examine([("new.conf", text)], "fac1.example.com").configuration
        assert configuration is not None
        space = configuration.spaces["vac01.example.com"]
        self.assertEqual((8, 2048), (space.total_processors, space.mb_per_processor))
        example = space.machinetypes["example"]
        self.assertEqual(0.75, example.target_share)
        self.assertEqual(r".*/CN=cvm-sign01\.cern\.ch", example.image_signing_dn)
        self.assertEqual("/var/lib/vcycle/machinetypes/example/files/user_data", example.user_data)

    def test_notes(self) -> None:
        """All that was changed is told with its line; what is lost is marked."""
        notes = translate([("vac.conf", VAC)]).notes
        told = [str(note) for note in notes]
        self.assertIn("vac.conf:3: [settings] vac_space: is vcycle_space now", told)
        self.assertIn("vac.conf:18: [targetshares] example: is target_share of its", told[-1])
        lost = [str(note) for note in notes if note.fatal]
        self.assertEqual(1, len(lost), lost)
        self.assertIn("version_logger: left out: nothing in this version acts on it", lost[0])

    def test_last_wins(self) -> None:
        """Of an option that is said again under its old name the last counts, as when reading."""
        first, last = "[settings]\ncpu_total = 4\n", "[settings]\ncpu_total = 8\n"
        new = "[settings]\ntotal_processors = 6\n"
        for files, total in (((first, last), 8), ((first, new, last), 6), ((new, first), 6)):
            texts = [(f"{number}.conf", text) for number, text in enumerate(files)]
            self.assertEqual(f"[settings]\ntotal_processors = {total}\n", translate(texts).text)

    def test_share_of_nobody(self) -> None:
        """A target share without its machinetype is lost, and told so."""
        notes = translate([("v", "[targetshares]\nother = 1\n")]).notes
        self.assertEqual(
            ["v:2: [targetshares] other: there is no machinetype of this name; left out"],
            [str(note) for note in notes if note.fatal],
        )

    def test_no_equal(self) -> None:
        """Clouds and containers are left out, and named."""
        text = "[settings]\nvac_space = a.b\n[space c.d]\napi = openstack\n[machinetype x]\n"
        imported = translate([("v", f"{text}machine_model = docker\n")])
        self.assertEqual("[settings]\nvcycle_space = a.b\n", imported.text)
        self.assertEqual([3, 5], [note.line for note in imported.notes if note.fatal])

    def test_upwards(self) -> None:
        """What Vcycle 3 set for each machinetype is of the whole space now."""
        text = "[machinetype x]\nmb_per_processor = 4096\nroot_image = /x\n"
        imported = translate([("v", text)])
        self.assertIn("[settings]\nmb_per_processor = 4096\n", imported.text)
        self.assertFalse([note for note in imported.notes if note.fatal])

    def test_continued(self) -> None:
        """A value of several lines stays one."""
        text = "[settings]\nuser_data_option_x = one\n  two\n"
        self.assertIn("user_data_option_x = one\n    two\n", translate([("v", text)]).text)

    @given(st.lists(st.sampled_from(VAC.split("\n")) | st.text(max_size=30), max_size=30))
    @settings(max_examples=60, deadline=None)
    def test_anything(self, lines: list[str]) -> None:
        """Nothing is raised whatever is given, and what comes out has the right form."""
        text = translate([("v", "\n".join(lines))]).text
        again = translate([("w", text)])
        self.assertEqual(text, again.text)
