"""Tests for vcycle.core.userdata."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.guests.sample import RECORD
from vcycle.core.errors import UserDataError
from vcycle.core.metadata import Places
from vcycle.core.userdata import STANDARD, asked, standard_patterns, substitute

SAMPLE = Path(__file__).parent / "vectors" / "user_data" / "template"
PLACES = Places.below("http://169.254.169.253")
PATTERNS = standard_patterns(
    RECORD,
    version="0.1.0",
    places=PLACES,
    template="https://repo.example.com/user_data",
    root_image="/images/cernvm.iso",
)
FILLED = b"""\
host=factory1-01.example.com
old=factory1-01.example.com
space=vac01.example.com type=example-mcore/example-mcore
url=https://repo.example.com/user_data
ver=Vcycle 0.1.0 on factory1.example.com
mf=http://169.254.169.253/machinefeatures jf=http://169.254.169.253/jobfeatures \
jo=http://169.254.169.253/joboutputs
uuid=6a3d3b43-1b2a-4c6d-8a0e-5a56d2f7c202
proxy=http://squid.example.com:3128
unset=
notapattern=##User_Data_x## ##user_data-dash##
"""


class SubstituteTests(SynchronousTestCase):
    def test_sample(self) -> None:
        """The sample is filled line by line; what is no pattern stays, what is unset goes."""
        options = {"cvmfs_proxy": "http://squid.example.com:3128", "spare": "x"}
        result = substitute(SAMPLE.read_bytes(), PATTERNS, options, {})
        self.assertEqual(FILLED.splitlines(), result.splitlines())

    def test_old_names(self) -> None:
        """Old names stand for the same values as the new ones."""
        for old, new in {
            "vmtype": "machinetype",
            "vm_hostname": "machine_hostname",
            "vmlm_version": "manager_version",
            "vmlm_hostname": "manager_hostname",
            "manager_machinefeatures_url": "machinefeatures_url",
            "manager_jobfeatures_url": "jobfeatures_url",
            "manager_joboutputs_url": "joboutputs_url",
        }.items():
            template = b"##user_data_%b##|##user_data_%b##" % (old.encode(), new.encode())
            left, _, right = substitute(template, PATTERNS, {}, {}).partition(b"|")
            self.assertEqual(right, left)
            self.assertNotEqual(b"", left)

    def test_not_applicable(self) -> None:
        """A standard pattern that this machine has no value for is empty, and no surprise."""
        result = substitute(b"[##user_data_root_image_url##]", PATTERNS, {}, {})
        self.assertEqual(b"[]", result)

    def test_site(self) -> None:
        """The site's name is known to templates."""
        self.assertEqual(b"UKI-EXAMPLE", substitute(b"##user_data_site##", PATTERNS, {}, {}))

    def test_files(self) -> None:
        """A file answers to its old name and to the option's, unless there is such an option."""
        template = b"##user_data_file_a## ##user_data_option_a## ##user_data_option_b##"
        result = substitute(template, {}, {"b": "B"}, {"a": b"\xff\x00", "b": b"file"})
        self.assertEqual(b"\xff\x00 \xff\x00 B", result)

    def test_standard_names(self) -> None:
        """The names that are said to be standard are those that each machine has a value for."""
        self.assertEqual(STANDARD, set(PATTERNS))

    @given(st.lists(st.sampled_from([*sorted(STANDARD), "option_a", "file_b", ""])))
    def test_asked(self, names: list[str]) -> None:
        """What a template asks for is what would be replaced in it."""
        template = b" x".join(b"##user_data_%b##" % name.encode() for name in names)
        self.assertEqual(set(names), asked(template))

    def test_single_pass(self) -> None:
        """A value that looks like a pattern is not replaced again."""
        options = {"a": "##user_data_option_b##", "b": "##user_data_space##"}
        result = substitute(b"##user_data_option_a####user_data_option_b##", {}, options, {})
        self.assertEqual(b"##user_data_option_b####user_data_space##", result)

    def test_values_not_utf8(self) -> None:
        """Options that were read from bytes of another encoding come out as those bytes."""
        value = b"caf\xe9".decode("utf-8", "surrogateescape")
        self.assertEqual(b"caf\xe9", substitute(b"##user_data_option_a##", {}, {"a": value}, {}))

    def test_limit(self) -> None:
        """A template that multiplies a large value is refused before it fills the memory."""
        template = b"##user_data_option_a##" * 1000
        with self.assertRaises(UserDataError) as caught:
            substitute(template, {}, {"a": "x" * 100}, {}, limit=5000)
        self.assertIn("5000 bytes", str(caught.exception))

    @given(st.binary().filter(lambda raw: b"##user_data_" not in raw))
    def test_other_bytes(self, template: bytes) -> None:
        """Bytes that hold no pattern are never changed, whatever their encoding."""
        self.assertEqual(template, substitute(template, PATTERNS, {"a": "b"}, {}))

    @given(
        st.lists(st.binary().filter(lambda raw: b"#" not in raw), min_size=1),
        st.dictionaries(
            st.from_regex(r"[a-z0-9_]{1,8}", fullmatch=True), st.text("ab#_", max_size=30)
        ),
    )
    def test_join(self, pieces: list[bytes], options: dict[str, str]) -> None:
        """A template is its plain pieces with the values between them, exactly."""
        names = sorted(options) or [""]
        template, expected = pieces[0], pieces[0]
        for index, piece in enumerate(pieces[1:]):
            name = names[index % len(names)]
            template += b"##user_data_option_%b##" % name.encode() + piece
            expected += options.get(name, "").encode() + piece
        self.assertEqual(expected, substitute(template, {}, options, {}))
