"""Tests for vcycle.core.config.checks: what is allowed, but told of. Errors are in ``bad``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.core.config.writing import MACHINETYPE, SETTINGS, SPACE, told
from vcycle.core.config.sections import MAX_MACHINETYPES, MAX_SPACES
from vcycle.core.config.sheet import MAX_PREFIXED


def warnings(settings: str = "", machinetype: str = MACHINETYPE) -> list[str]:
    """Of a small configuration, without the file's name."""
    return [line.partition(": ")[2] for line in told(f"{SETTINGS}{settings}\n{machinetype}\n")]


class WarningTests(SynchronousTestCase):
    def test_nothing_to_say(self) -> None:
        """A good configuration has no warnings."""
        self.assertEqual([], warnings())

    def test_nothing_is_started(self) -> None:
        """No machinetypes, or none with a share: that is told, as nothing will happen."""
        self.assertEqual(
            [f"space {SPACE}: no machinetypes, so nothing is started; add [machinetype NAME]"],
            warnings(machinetype=""),
        )
        self.assertEqual(
            [f"space {SPACE}: every target_share is 0, so nothing is started; set one"],
            warnings(machinetype="[machinetype m]\nroot_image = m.img"),
        )

    def test_fenced(self) -> None:
        """A daemon behind its fence hears no others, and is not heard."""
        others = "factories = factory1.example.com factory2.example.com\n"
        vacmon = "vacmon_hostport = vacmon.example.com:8884\n"
        for uri in ("qemu:///embed?root=/run/vcycle", "qemu:///session"):
            found = warnings(f"libvirt_uri = {uri}\n{others}{vacmon}")
            fenced = [line for line in found if "without a way out" in line]
            self.assertEqual(2, len(fenced), found)
            self.assertIn(f"factories: with libvirt_uri = '{uri}'", fenced[0])
            self.assertIn("vacmon_hostport: ", fenced[1])
        for uri in ("qemu:///system", "test:///default"):
            found = warnings(f"libvirt_uri = {uri}\n{others}{vacmon}")
            self.assertEqual([], [line for line in found if "without a way out" in line])

    def test_never_started(self) -> None:
        """A machinetype that cannot fit is named, with the limit that it does not fit in."""
        self.assertEqual(
            [
                "[machinetype atlas] min_processors = 8: can never start, as"
                " processors_per_superslot is 4",
                "[machinetype atlas] min_processors = 8: can never start, as total_processors is 6",
                "[machinetype atlas] min_processors = 8: can never start, as"
                " total_mb / mb_per_processor is 2",
            ],
            warnings(
                "processors_per_superslot = 4\ntotal_processors = 6\ntotal_mb = 4096",
                MACHINETYPE + "min_processors = 8",
            ),
        )

    def test_smaller_than_wanted(self) -> None:
        """A superslot's size is the size of the largest machine."""
        self.assertEqual(
            [
                "[machinetype atlas] max_processors = 8: machines get at most 1,"
                " as processors_per_superslot is 1"
            ],
            warnings("", MACHINETYPE + "max_processors = 8"),
        )

    def test_no_proxies(self) -> None:
        """Proxies that are to be our own machines, where there can be none of them, are told."""
        squid = "\n[machinetype squid]\nroot_image = squid.img\ntarget_share = 1\n"
        start = "[machinetype atlas] cvmfs_proxy_machinetype = squid: has no effect: "
        for settings, more, why in (
            ("", squid, "its machines do not tell whether they live: set its heartbeat_file"),
            (
                "libvirt_uri = qemu:///session",
                f"{squid}heartbeat_file = beat\n",
                "machines on qemu:///session have no addresses of their own",
            ),
        ):
            machinetype = f"{MACHINETYPE}cvmfs_proxy_machinetype = squid:3128{more}"
            self.assertEqual([start + why], warnings(settings, machinetype))
        machinetype = f"{MACHINETYPE}cvmfs_proxy_machinetype = squid{squid}heartbeat_file = beat"
        self.assertEqual([], warnings("", machinetype))

    def test_smaller_disk(self) -> None:
        """A machinetype cannot have more disk than its space."""
        self.assertEqual(
            [
                "[machinetype atlas] disk_gb_per_processor = '80': machines get 20, as in"
                " [settings] or [space NAME]"
            ],
            warnings("disk_gb_per_processor = 20", MACHINETYPE + "disk_gb_per_processor = 80"),
        )

    def test_fetching(self) -> None:
        """What is fetched is no matter, but by http:// only where that is allowed."""
        self.assertEqual([], warnings("", MACHINETYPE + "user_data = https://e.test/u"))
        insecure = MACHINETYPE + "user_data = http://e.test/u"
        self.assertEqual([], warnings("allow_http = true", insecure))
        [found] = warnings("", insecure)
        self.assertEqual(
            "[machinetype atlas] user_data = 'http://e.test/u': nothing protects http://: use"
            " https://, or set allow_http = true in [settings]",
            found,
        )
        [found] = warnings("", MACHINETYPE + "user_data = https://me:secret@e.test/u")
        self.assertIn("without a password in it", found)

    def test_no_effect(self) -> None:
        """What a model has no use for is told, and what is a cloud's."""
        self.assertEqual(
            [
                "[machinetype atlas] kernel: has no effect with machine_model = cernvm3, only with"
                " vm-direct",
            ],
            warnings("", MACHINETYPE + "kernel = /boot/vmlinuz"),
        )
        [found] = warnings("", MACHINETYPE.replace("atlas.img", "image:cernvm"))
        self.assertIn("images of clouds are not in this version", found)

    def test_squids(self) -> None:
        """Proxies of a machinetype that there is not are told; a pipe's may come yet."""
        squids = MACHINETYPE + "cvmfs_proxy_machinetype = squid\n"
        self.assertEqual(
            [
                f"space {SPACE}: cvmfs_proxy_machinetype of atlas: there is no machinetype squid;"
                " its machines get no proxies of ours"
            ],
            warnings("", squids),
        )
        squid = "[machinetype squid]\nroot_image = s.img\nheartbeat_file = beat\n"
        self.assertEqual([], warnings("", squids + squid))
        pipe = "[vacuum_pipe exvo]\nvacuum_pipe_url = https://e.test/p\n"
        self.assertEqual([], warnings("", squids.replace("squid", "exvo-squid") + pipe))

    def test_lives(self) -> None:
        """Times that make no sense together are told."""
        found = warnings("", MACHINETYPE + "max_wallclock_seconds=600\nheartbeat_seconds = 60")
        self.assertEqual(
            [
                "[machinetype atlas] fizzle_seconds = 600: not less than max_wallclock_seconds,"
                " 600: no machine can grow older",
                "[machinetype atlas] heartbeat_seconds: has no effect without heartbeat_file",
            ],
            found,
        )

    def test_own_factory(self) -> None:
        """A list of factories without this one is told."""
        [found] = warnings("factories = factory2")
        self.assertIn("factories does not name this factory, factory1.example.com", found)

    def test_addresses(self) -> None:
        """A network that is too small for all machines is told."""
        [found] = warnings("total_machines = 20\nguest_network = 10.9.0.0/28")
        self.assertEqual(
            f"space {SPACE}: total_machines is 20, but guest_network 10.9.0.0/28 has addresses for"
            " 13 machines",
            found,
        )
        self.assertEqual([], warnings("total_machines = 13\nguest_network = 10.9.0.0/28"))

    def test_per_machinetype_memory(self) -> None:
        """Memory of one machinetype alone is told to have no effect, and where to set it."""
        [found] = warnings("", MACHINETYPE + "mb_per_processor = 4096")
        self.assertEqual(
            "[machinetype atlas] mb_per_processor: has no effect: set mb_per_processor in"
            " [settings] or [space NAME]",
            found,
        )


class PlaceTests(SynchronousTestCase):
    def test_nearest_line(self) -> None:
        """A problem of two values is told at the one that was written, else at its section."""
        rows = [
            ("max_processors = 1\nmin_processors = 2", 6),
            ("min_wallclock_seconds = 7200\nmax_wallclock_seconds = 3600", 6),
            ("max_wallclock_seconds = 3600\nmin_wallclock_seconds = 7200", 7),
            ("max_wallclock_seconds = 600", 6),
            ("fizzle_seconds = 90000", 6),
            ("fizzle_seconds = 600\nmax_wallclock_seconds = 600", 6),
            ("heartbeat_seconds = 5", 6),
            ("root_device = vdb", 6),
            ("root_device = vda\nscratch_device = vda", 7),
        ]
        for lines, place in rows:
            found = [
                line for line in told(SETTINGS + MACHINETYPE + lines) if "can never" not in line
            ]
            self.assertEqual(
                [f"a.conf:{place}"], [line.partition(": ")[0] for line in found], lines
            )

    def test_spaces_lines(self) -> None:
        """What a space got from [settings] or [DEFAULT] is told there."""
        found = told(SETTINGS + "factories = factory2\n" + MACHINETYPE)
        self.assertEqual("a.conf:3", found[0].partition(": ")[0])
        found = told(SETTINGS + MACHINETYPE, "[DEFAULT]\nfactories = factory2\n")
        self.assertEqual("b.conf:2", found[0].partition(": ")[0])


class BoundsTests(SynchronousTestCase):
    def test_spaces(self) -> None:
        """One daemon has a bounded number of spaces."""
        text = "".join(f"[space s{i}]\nfactory_name = f{i}.test\n" for i in range(MAX_SPACES + 2))
        found = [line for line in told(text) if "more than" in line]
        self.assertEqual(
            [
                f"a.conf:{2 * MAX_SPACES + 1}: [space s{MAX_SPACES}]: more than {MAX_SPACES}"
                " spaces",
                f"a.conf:{2 * MAX_SPACES + 3}: [space s{MAX_SPACES + 1}]: more than {MAX_SPACES}"
                " spaces",
            ],
            found,
        )

    def test_machinetypes(self) -> None:
        """One space has a bounded number of machinetypes."""
        some = "".join(
            f"[machinetype m{i}]\nroot_image = x\ntarget_share = 1\n"
            for i in range(MAX_MACHINETYPES)
        )
        self.assertEqual([], told(SETTINGS + some))
        [found] = told(SETTINGS + some + "[machinetype more]\n")
        text = f"more than {MAX_MACHINETYPES} machinetypes in one space"
        self.assertEqual(f"a.conf:{3 * MAX_MACHINETYPES + 3}: [machinetype more]: {text}", found)

    def test_prefixed(self) -> None:
        """One section has a bounded number of user_data options."""
        some = "".join(f"user_data_option_{i} = x\n" for i in range(MAX_PREFIXED))
        self.assertEqual([], warnings(some))
        [found] = warnings(some + "user_data_option_more = x")
        text = f"more than {MAX_PREFIXED} user_data_option_ options"
        self.assertEqual(f"[settings]: {text}", found)


class SpacesTests(SynchronousTestCase):
    def two(self, one: str, two: str) -> list[str]:
        text = f"[space one.test]\nfactory_name = f1.test\n{one}\n"
        text += f"[space two.test]\nfactory_name = f2.test\n{two}\n"
        text += MACHINETYPE.replace("atlas", "one.test atlas")
        return told(text + MACHINETYPE.replace("atlas", "two.test atlas"))

    def test_one_hypervisor(self) -> None:
        """Two spaces on one hypervisor are good with factory names of their own."""
        self.assertEqual([], self.two("", ""))

    def test_two_hypervisors(self) -> None:
        """Two hypervisors may have the same network each."""
        self.assertEqual([], self.two("", "libvirt_uri = qemu+ssh://h2/system"))

    def test_user_networking(self) -> None:
        """Machines without a network of libvirt's cannot collide in it."""
        uri = "libvirt_uri = qemu:///embed?root=/run/v"
        self.assertEqual([], self.two(uri, uri))
        self.assertEqual([], self.two("libvirt_uri = test:///default", uri))
