"""Tests for vcycle.core.config.options: every row of the table has its line here."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.core.config.writing import HOST, MACHINETYPE, SETTINGS, SPACE, configuration, told
from vcycle.core.config.kinds import KINDS
from vcycle.core.config.options import (
    OPTIONS,
    SECTIONS,
    Option,
    Status,
    active,
    belongs,
    find,
    suggestion,
)
from vcycle.core.config.values import MAX_TEXT
from vcycle.core.machine import Model

LONG = "x" * (MAX_TEXT // 2) + "\n " + "x" * (MAX_TEXT // 2)

# The option, what holds when it is not set, and a value that is refused.
ACTIVE: dict[str, tuple[object, str]] = {
    "vcycle_space": (SPACE, "my space"),
    "state_dir": ("/var/lib/vcycle", "~/vcycle"),
    "vacquery_port": (995, "65536"),
    "vacquery_interface": ("", "eth0"),
    "query_allow": (("127.0.0.0/8", "::1/128"), "192.0.2.1/24"),
    "query_rate": (2000, "0"),
    "vacquery_secret_file": (None, "secret"),
    "vacquery_require_secret": (False, "maybe"),
    "monitor_port": (9979, "off"),
    "monitor_interface": ("127.0.0.1", "lo"),
    "log_directory": ("/var/log", "log"),
    "journal_days": (7.0, "a week"),
    "journal_mb": (200, "0"),
    "ca_directory": (None, "certificates"),
    "allow_http": (False, "perhaps"),
    "https_proxy": (None, "https://proxy.example.com:3128"),
    "no_proxy": (None, "x" * 1001),
    "image_check_seconds": (300, "0"),
    "image_stall_seconds": (60, "0"),
    "image_total_seconds": (21600, "6h"),
    "image_max_gb": (50.0, "50 GB"),
    "image_cache_gb": (200.0, "-1"),
    "image_versions": (2, "0"),
    "factory_name": (HOST, "factory1"),
    "factories": ((), "factory1,factory2"),
    "udp_timeout_seconds": (10.0, "0"),
    "vacmon_hostport": ((), "vacmon.example.com"),
    "libvirt_uri": ("qemu:///system", "qemu:/system"),
    "guest_network": ("169.254.0.0/16", "0.0.0.0/0"),
    "guest_http_port": (80, "http"),
    "forward_dev": (None, "a-name-too-long-for-linux"),
    "fix_networking": (True, "on"),
    "cycle_seconds": (60.0, "0.5"),
    "creations_per_cycle": (100, "0"),
    "total_machines": (None, "-1"),
    "total_processors": (None, "all"),
    "total_mb": (None, "0"),
    "mb_per_processor": (2048, "2GB"),
    "hs06_per_processor": (None, "1e1"),
    "hepscore23_per_processor": (None, "0"),
    "processors_per_superslot": (1, "0"),
    "overload_per_processor": (1.25, "0"),
    "disk_gb_per_processor": (40.0, "-1"),
    "volume_group": (None, "/dev/vg"),
    "sharing": ("auto", "smb"),
    "shutdown_time": (None, "0"),
    "draining": (False, "soon"),
    "gocdb_sitename": (None, "A SITE"),
    "description": (None, "x" * 1001),
    "root_public_key": (None, "id_rsa.pub"),
    "user_data_option_": ({}, LONG),
    "user_data_file_": ({}, ".."),
    "machinefeatures_option_": ({}, LONG),
    "target_share": (0.0, "one"),
    "machinegroup": ("tiny", "a group"),
    "machine_model": (Model.CERNVM3, "kvm"),
    "root_image": (None, ""),
    "root_image_sha256": (None, "abc"),
    "image_signing_dn": (None, "("),
    "kernel": (None, "boot/"),
    "initrd": (None, "../initrd"),
    "kernel_arguments": ("", "x" * 1001),
    "root_device": ("vda", "VDA1"),
    "scratch_device": ("vdb", "7"),
    "user_data": (None, "a/../b"),
    "user_data_delivery": (("metadata",), "nocloud configdrive"),
    "user_data_proxy": (False, "1"),
    "legacy_proxy": (False, "1"),
    "cvmfs_proxy_machinetype": (None, "squid:0"),
    "shared_dirs": ((), "data:/srv/../etc"),
    "min_processors": (1, "0"),
    "max_processors": (1, "many"),
    "max_wallclock_seconds": (86400, "0"),
    "min_wallclock_seconds": (86400, "-1"),
    "backoff_seconds": (10, "10.5"),
    "fizzle_seconds": (600, "٦"),
    "heartbeat_file": (None, "/heartbeat"),
    "heartbeat_seconds": (0, "60 s"),
    "accounting_fqan": (None, ""),
    "machines_dir_days": (3.0, "inf"),
    "vacuum_pipe_url": (None, "https://user:password@pipes.example.com/exvo.pipe"),
    "cache_seconds": (None, "an hour"),
}
FIELDS = {
    "user_data_option_": "user_data_options",
    "user_data_file_": "user_data_files",
    "machinefeatures_option_": "machinefeatures_options",
    "vcycle_space": "name",
}
FORMER = {
    "ignored": "has no effect: ",
    "unsupported": "not supported, as it is for ",
    "later": "has no effect in this version",
    "alias": ": an old name, still honoured: write ",
}


def _written(option: Option, section: str, value: str) -> str:
    name = f"{option.name}xxx" if option.prefix else option.name
    line = f"{name} = {value}\n"
    parts = {"settings": "", "space": "", "machinetype": "", "vacuum_pipe": ""}
    parts[section] = line
    if option.name != "vacuum_pipe_url":
        parts["vacuum_pipe"] += "vacuum_pipe_url = https://pipes.example.com/exvo.pipe\n"
    return (
        f"{SETTINGS}{parts['settings']}[space {SPACE}]\n{parts['space']}"
        f"[machinetype tiny]\nroot_image = tiny.img\n{parts['machinetype']}"
        f"[vacuum_pipe exvo]\n{parts['vacuum_pipe']}"
    )


class TableTests(SynchronousTestCase):
    def test_all_are_here(self) -> None:
        """No row is without its line in this test, and each name has one row in a section."""
        self.assertEqual(list(ACTIVE), [option.name for option in active()])
        places = [(o.name, section) for o in OPTIONS for section in o.sections]
        self.assertEqual(len(places), len(set(places)))
        self.assertLessEqual({section for _, section in places}, set(SECTIONS))

    def test_documented(self) -> None:
        """Each working option has a kind, a sentence, and a default or what holds without one."""
        for option in active():
            self.assertIsNotNone(option.kind, option.name)
            self.assertTrue(option.meaning.endswith("."), option.name)
            if not option.prefix:
                self.assertNotEqual(option.default is None, option.otherwise == "", option.name)
        self.assertEqual(set(), set(KINDS.values()) - {option.kind for option in active()})

    def test_defaults(self) -> None:
        """Without its option a value is the default of the table."""
        found = configuration(
            f"{SETTINGS}[machinetype tiny]\nroot_image = tiny.img\n"
            "[vacuum_pipe exvo]\nvacuum_pipe_url = https://pipes.example.com/exvo.pipe\n"
        )
        space = found.spaces[SPACE]
        tiny, pipe = space.machinetypes["tiny"], space.pipes["exvo"]
        for name, (default, _) in ACTIVE.items():
            field = FIELDS.get(name, name)
            for holder in (tiny, space, found.settings, pipe):
                if hasattr(holder, field) and (holder is not tiny or field != "name"):
                    value = getattr(holder, field)
                    break
            else:
                self.assertEqual("vacuum_pipe_url", name)
            if name not in ("root_image", "vacuum_pipe_url"):
                self.assertEqual(default, value, name)
            [row] = [o for o in active() if o.name == name]
            if row.default is not None:
                self.assertEqual(default, row.value_of_default(), name)

    def test_bad_values(self) -> None:
        """Each kind of section refuses what the option cannot be, and says what it can be."""
        for option in active():
            bad = ACTIVE[option.name][1]
            for section in option.sections:
                problems = told(_written(option, section, bad))
                text = "\n".join(problems)
                self.assertIn("expected ", text, (option.name, section))
                self.assertIn(option.name, text, (option.name, section))
                self.assertNotIn("Traceback", text)

    def test_successors(self) -> None:
        """Old names lead to options of the same section that there are."""
        for option in OPTIONS:
            if option.status in (Status.ALIAS, Status.SYNONYM):
                for section in option.sections:
                    successor = find(section, option.detail)
                    assert successor is not None, option
                    self.assertEqual(Status.ACTIVE, successor.status, option)


class FormerTests(SynchronousTestCase):
    def test_told(self) -> None:
        """Whatever an ancestor had is no error: a warning says what becomes of it."""
        for option in OPTIONS:
            wanted = FORMER.get(option.status.value)
            if wanted is None or option.name in ("api", "vac_space"):
                continue
            for section in set(option.sections) & {"settings", "space", "machinetype"}:
                successor = find(section, option.detail) or option
                default = successor.default if successor is not option else None
                good = default or {"root_public_key": "/key"}.get(successor.name, "7")
                found = told(_written(option, section, good))
                text = "\n".join(line for line in found if f" {option.name}: " in line)
                self.assertIn(wanted, text, (option.name, section))
                self.assertNotIn("expected", "\n".join(found), (option.name, section))

    def test_honoured(self) -> None:
        """The value of an old name counts, unless its successor is there too."""
        text = SETTINGS + "cpu_total = 3\n" + MACHINETYPE
        self.assertEqual(3, configuration(text).spaces[SPACE].total_processors)
        for lines in ("cpu_total = 3\ntotal_processors = 4", "total_processors = 4\ncpu_total = 3"):
            found = configuration(f"{SETTINGS}{lines}\n{MACHINETYPE}")
            self.assertEqual(4, found.spaces[SPACE].total_processors)
            self.assertEqual(1, len(found.warnings))
        text = "[settings]\nvac_space = vac01.example.com\n" + MACHINETYPE
        self.assertEqual(["vac01.example.com"], list(configuration(text).spaces))

    def test_without_effect_anyway(self) -> None:
        """Nobody is bothered by an option that says what holds without it."""
        self.assertEqual([], told(SETTINGS + "version_logger = 0\n" + MACHINETYPE))
        self.assertEqual([], told(SETTINGS + MACHINETYPE + "user_data_proxy = False\n"))

    def test_clouds_are_left_out(self) -> None:
        """A space of a cloud is not run on the hypervisor instead; secrets are not told."""
        text = SETTINGS + MACHINETYPE + "[space cloud.test]\npassword = s3cret\napi = openstack\n"
        text += MACHINETYPE.replace("atlas", "cloud.test cms")
        found = configuration(text)
        self.assertEqual([SPACE], list(found.spaces))
        self.assertEqual(
            ["8: [space cloud.test] is left out: clouds (option api) are not in this version"],
            [f"{problem.line}: {problem.text}" for problem in found.warnings],
        )

    def test_old_sections(self) -> None:
        """What stood in sections of long ago must stand where it belongs now, for each name."""
        text = SETTINGS + "factories = factory1\n" + MACHINETYPE + "[machinetype cms]\n"
        text += "root_image = cms.img\n[factories]\nnames = factory1\n"
        text += "[targetshares]\natlas = 1\ncms = 1\n"
        self.assertEqual(
            [
                "a.conf:10: [factories]: has no effect; remove it",
                "a.conf:12: [targetshares]: has no effect; remove it",
                "a.conf:13: [targetshares]: no longer read: set target_share in [machinetype cms]",
            ],
            told(text),
        )

    def test_containers_are_left_out(self) -> None:
        """A machinetype of containers is not run as a machine; the others are."""
        text = SETTINGS + MACHINETYPE + "[machinetype d]\nmachine_model = docker\n"
        text += "[machinetype e]\nroot_image = docker://example/image\n"
        found = configuration(text)
        self.assertEqual(["atlas"], list(found.spaces[SPACE].machinetypes))
        self.assertEqual(2, len(found.warnings))
        self.assertIn("for containers; the machinetype is left out", found.warnings[0].text)


class SuggestionTests(SynchronousTestCase):
    def test_close_names(self) -> None:
        """A misspelt option leads to the one that was meant, of the same section if it can be."""
        self.assertEqual("total_processors", suggestion("settings", "total_procesors"))
        self.assertEqual("heartbeat_seconds", suggestion("machinetype", "heartbeat-seconds"))
        self.assertEqual("backoff_seconds", suggestion("settings", "backof_seconds"))
        self.assertEqual("user_data_file_XXX", suggestion("settings", "user_data_files_key"))
        self.assertIsNone(suggestion("settings", "colour"))
        self.assertIsNone(suggestion("settings", "x" * 10_000))

    def test_where_it_belongs(self) -> None:
        """An option in a wrong section is told the right ones."""
        self.assertEqual("[settings] or [space NAME]", belongs("draining"))
        self.assertEqual("[machinetype NAME]", belongs("machinegroup"))
        self.assertEqual(
            "[machinetype NAME] or [vacuum_pipe NAME]",
            belongs("target_share"),
        )
