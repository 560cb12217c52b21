"""Tests for vcycle.core.config.build: what is right, in all its manners."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.core.config.writing import (
    HOST,
    MACHINETYPE,
    SETTINGS,
    SPACE,
    configuration,
    machinetype_of,
    space_of,
)
from vcycle.core.config.build import read
from vcycle.core.config.model import Settings
from vcycle.core.machine import Model

SAMPLES = Path(__file__).parent / "samples"


class FormsTests(SynchronousTestCase):
    def test_settings_form(self) -> None:
        """vcycle_space names the space of machinetypes without a space's name."""
        space = configuration(SETTINGS + "total_processors = 8\n" + MACHINETYPE).spaces[SPACE]
        self.assertEqual(["atlas"], list(space.machinetypes))
        self.assertEqual(8, space.total_processors)

    def test_space_form(self) -> None:
        """[space X] with [machinetype X NAME] says the same."""
        text = f"[space {SPACE}]\ntotal_processors = 8\n" + MACHINETYPE.replace(
            "atlas]", f"{SPACE} atlas]"
        )
        former = configuration(SETTINGS + "total_processors = 8\n" + MACHINETYPE)
        self.assertEqual(former, configuration(text))

    def test_mixed_form(self) -> None:
        """Both forms may be mixed; [space X] then wins over [settings]."""
        text = f"{SETTINGS}total_processors = 8\nmb_per_processor = 1024\n"
        text += f"[space {SPACE}]\ntotal_processors = 4\n{MACHINETYPE}"
        text += f"[machinetype {SPACE} atlas]\ntarget_share = 3\n"
        space = configuration(text).spaces[SPACE]
        self.assertEqual((4, 1024), (space.total_processors, space.mb_per_processor))
        self.assertEqual(3.0, space.machinetypes["atlas"].target_share)

    def test_only_space(self) -> None:
        """With one [space X] alone a machinetype need not name it."""
        text = f"{MACHINETYPE}[space {SPACE}]\n"
        self.assertEqual(["atlas"], list(configuration(text).spaces[SPACE].machinetypes))

    def test_several_spaces(self) -> None:
        """Each space has its own settings and machinetypes, on those of [settings]."""
        text = "[settings]\nmb_per_processor = 1024\nuser_data_option_a = 1\n"
        for name in ("one", "two"):
            text += f"[space {name}.test]\nfactory_name = {name}.example.com\n"
            text += f"libvirt_uri = qemu+ssh://{name}/system\nuser_data_option_b = {name}\n"
            text += MACHINETYPE.replace("atlas]", f"{name}.test {name}]")
        spaces = configuration(text).spaces
        self.assertEqual(["one.test", "two.test"], list(spaces))
        self.assertEqual({1024}, {space.mb_per_processor for space in spaces.values()})
        two = spaces["two.test"]
        self.assertEqual("two.example.com", two.factory_name)
        self.assertEqual({"a": "1", "b": "two"}, two.machinetypes["two"].user_data_options)

    def test_old_machinetype(self) -> None:
        """[vmtype X] is read as [machinetype X], and told of."""
        found = configuration(SETTINGS + MACHINETYPE.replace("machinetype", "vmtype"))
        self.assertEqual(["atlas"], list(found.spaces[SPACE].machinetypes))
        self.assertEqual(
            ["[vmtype atlas]: an old name, still honoured: write [machinetype NAME]"],
            [problem.text for problem in found.warnings],
        )

    def test_default_section(self) -> None:
        """[DEFAULT] feeds all sections that an option may stand in, below [settings]."""
        text = "[DEFAULT]\nbackoff_seconds = 7\nmb_per_processor = 512\ntotal_processors = 3\n"
        text += "max_processors = 1\nvcycle_space = default.test\n"
        text += f"[settings]\ntotal_processors = 4\n{MACHINETYPE}"
        space = configuration(text).spaces["default.test"]
        self.assertEqual((512, 4), (space.mb_per_processor, space.total_processors))
        self.assertEqual(7, space.machinetypes["atlas"].backoff_seconds)

    def test_later_files_win(self) -> None:
        """Sections of one name merge over files, and a value that lost is not judged."""
        files = [
            ("a.conf", SETTINGS + "total_processors = CHANGE-ME\n" + MACHINETYPE),
            ("b.conf", "[machinetype atlas]\nfizzle_seconds = 5\n[settings]\ntotal_processors=2\n"),
            ("c.conf", "[machinetype atlas]\ntarget_share = 9\n"),
        ]
        space = read(files, HOST).spaces[SPACE]
        self.assertEqual(2, space.total_processors)
        atlas = space.machinetypes["atlas"]
        self.assertEqual(
            (9.0, 5, "atlas.img"), (atlas.target_share, atlas.fizzle_seconds, atlas.root_image)
        )

    def test_samples(self) -> None:
        """Files of an ancestor are read in order; the last one has the last word on the share."""
        texts = [(path.name, path.read_text("utf-8")) for path in sorted(SAMPLES.glob("*.conf"))]
        found = read(texts, HOST)
        space = found.spaces[SPACE]
        self.assertEqual("EXAMPLE-SITE", space.site)
        self.assertEqual((HOST, "factory2.example.com", "factory3.example.com"), space.factories)
        self.assertEqual(
            (10.5, 2048, 8),
            (space.hs06_per_processor, space.mb_per_processor, space.processors_per_superslot),
        )
        example = space.machinetypes["example"]
        self.assertEqual(
            (5.0, 600, 86400),
            (example.target_share, example.backoff_seconds, example.max_wallclock_seconds),
        )
        self.assertEqual(
            {"cvmfs_proxy": "http://squid.example.com:3128"}, example.user_data_options
        )
        self.assertEqual("/exvo/Role=NULL/Capability=NULL", example.machinegroup)
        self.assertEqual((), found.warnings)
        pipe = space.pipes["exvo"]
        self.assertEqual(
            ("https://pipes.example.com/exvo.pipe", 8.0, None),
            (pipe.url, pipe.target_share, pipe.cache_seconds),
        )


class ValuesTests(SynchronousTestCase):
    def test_own_settings(self) -> None:
        """What is the daemon's own is read from [settings]."""
        text = SETTINGS + "state_dir = /srv/vcycle\nvacquery_port = 9950\nmonitor_port = 8080\n"
        text += "vacquery_interface = 192.0.2.1\n" + MACHINETYPE
        wanted = Settings(
            state_dir="/srv/vcycle",
            vacquery_port=9950,
            vacquery_interface="192.0.2.1",
            monitor_port=8080,
        )
        self.assertEqual(wanted, configuration(text).settings)

    def test_factory_name(self) -> None:
        """It is the host's name, lower-cased, unless it is set."""
        text = SETTINGS + MACHINETYPE
        spaces = configuration(text, host="Factory7.Example.COM").spaces
        self.assertEqual("factory7.example.com", spaces[SPACE].factory_name)
        text = SETTINGS + "factory_name = F2.example.com\n" + MACHINETYPE
        self.assertEqual("f2.example.com", configuration(text, "f7").spaces[SPACE].factory_name)

    def test_factories(self) -> None:
        """'.' is this factory, and a bare name is in its domain; each counts once."""
        space = space_of("factories = . Factory2 factory1.example.com other.test")
        self.assertEqual((HOST, "factory2.example.com", "other.test"), space.factories)

    def test_talk(self) -> None:
        """How long others are waited for, and who is told of the state, each from any section."""
        space = space_of("udp_timeout_seconds = 2.5\nvacmon_hostport = A.test:8884 b.test:1")
        self.assertEqual(2.5, space.udp_timeout_seconds)
        self.assertEqual((("a.test", 8884), ("b.test", 1)), space.vacmon_hostport)

    def test_who_is_answered(self) -> None:
        """Who may ask, how often, and with which secret, each from any section."""
        space = space_of(
            "query_allow = 192.0.2.0/24 2001:DB8::/32 192.0.2.7\nquery_rate = 7\n"
            "vacquery_secret_file = /etc/vcycle.secret\nvacquery_require_secret = yes"
        )
        self.assertEqual(("192.0.2.0/24", "2001:db8::/32", "192.0.2.7/32"), space.query_allow)
        self.assertEqual(7, space.query_rate)
        self.assertEqual("/etc/vcycle.secret", space.vacquery_secret_file)
        self.assertTrue(space.vacquery_require_secret)

    def test_limits_that_depend(self) -> None:
        """What is not set follows from what is: processors, wall clock, machinegroup."""
        made = machinetype_of("min_processors=1\nmax_wallclock_seconds=7200\naccounting_fqan=/exvo")
        self.assertEqual((1, 1), (made.min_processors, made.max_processors))
        self.assertEqual(7200, made.min_wallclock_seconds)
        self.assertEqual("/exvo", made.machinegroup)
        self.assertEqual("atlas", machinetype_of().machinegroup)
        made = machinetype_of("min_processors = 4", "processors_per_superslot = 8")
        self.assertEqual((4, 4), (made.min_processors, made.max_processors))

    def test_disk(self) -> None:
        """A machinetype may ask for less disk than its space, not for more; 0 is not set."""

        def disk(own: str, settings: str = "") -> float | None:
            line = f"disk_gb_per_processor = {settings}" if settings else ""
            return machinetype_of(own, line).disk_gb_per_processor

        self.assertEqual(40.0, disk(""))
        self.assertEqual(40.0, disk("disk_gb_per_processor = 0"))
        self.assertEqual(5.0, disk("disk_gb_per_processor = 5", "20"))
        self.assertEqual(20.0, disk("disk_gb_per_processor = 50", "20"))
        self.assertEqual(50.0, disk("disk_gb_per_processor = 50"))
        self.assertEqual(20.0, disk("", "20"))
        self.assertIsNone(disk("machine_model = vm-direct\nkernel = /boot/vmlinuz"))

    def test_direct_boot(self) -> None:
        """A machine of a kernel of its own needs no image."""
        made = machinetype_of(
            "machine_model = VM-Direct\nkernel = /boot/vmlinuz\ninitrd = tiny.cpio\n"
            "kernel_arguments = console=ttyS0 quiet"
        )
        self.assertEqual(Model.VM_DIRECT, made.machine_model)
        self.assertEqual(("/boot/vmlinuz", "tiny.cpio"), (made.kernel, made.initrd))
        self.assertEqual("console=ttyS0 quiet", made.kernel_arguments)

    def test_root_disk(self) -> None:
        """root_disk is another name of root_image, and nobody is warned of it."""
        found = configuration(SETTINGS + MACHINETYPE.replace("root_image", "root_disk"))
        self.assertEqual("atlas.img", found.spaces[SPACE].machinetypes["atlas"].root_image)
        self.assertEqual((), found.warnings)

    def test_user_data(self) -> None:
        """Of a text and a file of one name the more specific wins."""
        made = machinetype_of(
            "user_data_file_a = a.txt\nuser_data_option_b = mine",
            "user_data_option_a = text\nuser_data_file_b = b.txt\nuser_data_option_c = 1\n  2",
        )
        self.assertEqual({"b": "mine", "c": "1\n2"}, made.user_data_options)
        self.assertEqual({"a": "a.txt"}, made.user_data_files)

    def test_machinefeatures(self) -> None:
        """Additional machine features are by their key."""
        self.assertEqual(
            {"rack": "7"}, space_of("machinefeatures_option_rack = 7").machinefeatures_options
        )

    def test_site(self) -> None:
        """gocdb_sitename may stand in [settings] and in [space]."""
        self.assertEqual("A-SITE", space_of("gocdb_sitename = A-SITE").site)
        text = f"[space {SPACE}]\ngocdb_sitename = B-SITE\n{MACHINETYPE}"
        self.assertEqual("B-SITE", configuration(text).spaces[SPACE].site)
        self.assertEqual("example.com", space_of().site)

    def test_secrets_are_not_shown(self) -> None:
        """A configuration that is printed has no user_data options in it."""
        self.assertNotIn("s3cret", repr(space_of("user_data_option_token = s3cret")))
