"""Tests for vcycle.core.config.piped: what is said here and there of a pipe's machinetypes."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.core.pipes.writing import (
    HOST,
    PIPE,
    SETTINGS,
    SPACE,
    URL,
    document,
    expanded,
    one,
    reading,
    told,
)
from vcycle.core.config.build import examine
from vcycle.core.config.sections import MAX_MACHINETYPES, MAX_PIPES

ALL = "fizzle_seconds = {}\n"


class LayersTests(SynchronousTestCase):
    def test_precedence(self) -> None:
        """The machinetype's own section, the pipe's, the document, [settings], the default."""
        own, pipe = "[machinetype exvo-x]\n", PIPE
        settings = SETTINGS + "user_data_option_a = settings\nuser_data_option_b = settings\n"
        body = one(fizzle_seconds=300, user_data_option_a="document", backoff_seconds=33)
        [found] = expanded(body, settings + pipe).values()
        self.assertEqual((300, 33), (found.fizzle_seconds, found.backoff_seconds))
        self.assertEqual({"a": "document", "b": "settings"}, found.user_data_options)
        self.assertEqual(86400, found.max_wallclock_seconds)
        pipe += ALL.format(200) + "user_data_option_a = pipe\nbackoff_seconds = 22\n"
        [found] = expanded(body, settings + pipe).values()
        self.assertEqual((200, 22), (found.fizzle_seconds, found.backoff_seconds))
        self.assertEqual({"a": "pipe", "b": "settings"}, found.user_data_options)
        own += ALL.format(100) + "user_data_option_a = own\n"
        [found] = expanded(body, settings + pipe + own).values()
        self.assertEqual((100, 22), (found.fizzle_seconds, found.backoff_seconds))
        self.assertEqual({"a": "own", "b": "settings"}, found.user_data_options)

    def test_defaults_of_all(self) -> None:
        """The space is above the document, and [DEFAULT] above all."""
        text = f"[DEFAULT]\nuser_data_option_a = all\n{SETTINGS}[space {SPACE}]\n"
        text += "user_data_option_b = space\n" + PIPE
        [found] = expanded(one(), text).values()
        self.assertEqual({"a": "all", "b": "space"}, found.user_data_options)
        [found] = expanded(one(user_data_option_b="document"), text).values()
        self.assertEqual("document", found.user_data_options["b"])

    def test_text_and_file(self) -> None:
        """Of a text and a file of one name the nearer wins."""
        text = SETTINGS + PIPE + "user_data_file_a = local.txt\n"
        [found] = expanded(one(user_data_option_a="x"), text).values()
        self.assertEqual(({}, {"a": "local.txt"}), (found.user_data_options, found.user_data_files))
        [line] = told(one(user_data_option_a="x", user_data_file_a="x"))
        self.assertIn("left out: user_data_file_a: user_data_option_a is set too", line)

    def test_no_more_disk(self) -> None:
        """A document can ask for less disk than the space gives, not for more."""
        text = SETTINGS + "disk_gb_per_processor = 20\n" + PIPE
        for asked, given in ((10, 10.0), (80, 20.0)):
            [found] = expanded(one(disk_gb_per_processor=asked), text).values()
            self.assertEqual(given, found.disk_gb_per_processor)

    def test_local_is_free(self) -> None:
        """What a document may not say can be said here, for all of the pipe or for one."""
        text = SETTINGS + PIPE + "shared_dirs = data:/srv/data\nmachinegroup = all\n"
        text += "[machinetype exvo-x]\nroot_public_key = /k\nmachine_model = vm-direct\n"
        [found] = expanded(one(), text + "kernel = /boot/vmlinuz\n").values()
        self.assertEqual((("data", "/srv/data", False),), found.shared_dirs)
        self.assertEqual(
            ("all", "/k", "/boot/vmlinuz"),
            (found.machinegroup, found.root_public_key, found.kernel),
        )

    def test_two_spaces(self) -> None:
        """A pipe is of one space; another space may have one of its name."""
        text = (
            "[space one.test]\nfactory_name = f1.test\n[space two.test]\nfactory_name = f2.test\n"
        )
        for space, share in (("one.test", 1), ("two.test", 2)):
            text += f"[vacuum_pipe {space} exvo]\nvacuum_pipe_url = {URL}\ntarget_share = {share}\n"
        found = examine([("a", text)], HOST, {URL: one()}).configuration
        assert found is not None
        shares = [s.machinetypes["exvo-x"].target_share for s in found.spaces.values()]
        self.assertEqual([1.0, 2.0], shares)
        self.assertEqual(
            ["one.test", "two.test"], [s.pipes["exvo"].space for s in found.spaces.values()]
        )


class SharesTests(SynchronousTestCase):
    BODY = document(
        {"suffix": "a", "root_image": "i", "target_share": 3},
        {"suffix": "b", "root_image": "i", "target_share": "2"},
        {"suffix": "c", "root_image": "i", "target_share": 1},
        {"suffix": "d", "root_image": "i"},
    )

    def shares(self, body: bytes, more: str = "") -> list[float]:
        return [m.target_share for m in expanded(body, SETTINGS + PIPE + more).values()]

    def test_multiplied_out(self) -> None:
        """The pipe's share is divided as the document says."""
        self.assertEqual([4.0, 8 / 3, 4 / 3, 0.0], self.shares(self.BODY))

    def test_local_share(self) -> None:
        """A machinetype's own share replaces its part, and the others stay."""
        more = "[machinetype exvo-a]\ntarget_share = 7\n"
        self.assertEqual([7.0, 8 / 3, 4 / 3, 0.0], self.shares(self.BODY, more))

    def test_left_out(self) -> None:
        """What is left out gets nothing, and those that are there get all of the pipe's share."""
        body = self.BODY.replace(b'"suffix": "a"', b'"suffix": "A"')
        self.assertEqual([16 / 3, 8 / 3, 0.0], self.shares(body))
        body = self.BODY.replace(b'"suffix": "a"', b'"suffix": "a", "min_processors": 9')
        body = body.replace(b'"min_processors": 9', b'"min_processors": 9, "max_processors": 2')
        self.assertEqual([16 / 3, 8 / 3, 0.0], self.shares(body))

    def test_no_share(self) -> None:
        """A pipe without a share starts nothing, which is told."""
        text = SETTINGS + PIPE.replace("target_share = 8\n", "")
        self.assertEqual([0.0], [m.target_share for m in expanded(one(), text).values()])
        self.assertIn("every target_share is 0", told(one(), text)[0])


class ProblemsTests(SynchronousTestCase):
    def test_not_fetched(self) -> None:
        """Without its document a pipe has no machinetypes, and nothing is wrong."""
        text = SETTINGS + PIPE + "[machinetype exvo-x]\nfizzle_seconds = 60\n"
        found = examine([("a", text)], HOST)
        assert found.configuration is not None
        self.assertEqual({}, found.configuration.spaces[SPACE].machinetypes)
        self.assertEqual((), found.problems)

    def test_bounded(self) -> None:
        """A line of the log has eight reasons at most, and the number of the others."""
        bad = {f"user_data_file_{number}": "/" for number in range(20)}
        [line] = told(one(**bad, min_processors=2, max_processors=1))
        self.assertIn("user_data_file_7", line)
        self.assertNotIn("user_data_file_8", line)
        self.assertTrue(line.endswith("; and 13 more"), line)

    def test_stranger(self) -> None:
        """A section for a machinetype that the document has not makes none, and is told."""
        text = SETTINGS + PIPE + "[machinetype exvo-y]\nroot_image = y.img\ntarget_share = 1\n"
        self.assertEqual(["exvo-x"], list(expanded(one(), text)))
        self.assertEqual(
            [
                "vcycle.conf:7: [machinetype exvo-y] has no effect: the document of"
                " [vacuum_pipe exvo] has no such machinetype"
            ],
            told(one(), text),
        )

    def test_one_name(self) -> None:
        """Two pipes that make one name: the first keeps it."""
        text = SETTINGS + PIPE + PIPE.replace("exvo]", "exvo-a]")
        body = document({"suffix": "a-b", "root_image": "i"}, {"suffix": "b", "root_image": "i"})
        found = expanded(body, text)
        self.assertEqual(["exvo-a-b", "exvo-b", "exvo-a-a-b"], list(found))
        self.assertEqual("exvo", found["exvo-a-b"].pipe)
        [line] = told(body, text)
        self.assertIn("machinetype 'b' is left out: another machinetype is called exvo-a-b", line)

    def test_long_name(self) -> None:
        """The whole name is one of a machinetype."""
        [line] = told(one(suffix="x" * 60))
        self.assertIn("left out: the name exvo-xxxx", line)

    def test_http(self) -> None:
        """http:// is as little allowed in a document as it is here."""
        body = one(root_image="http://images.example.com/x.iso")
        [line] = told(body)
        self.assertIn("machinetype 'x' is left out: root_image = 'http://images", line)
        self.assertIn("nothing protects http://", line)
        self.assertEqual(["exvo-x"], list(expanded(body, SETTINGS + "allow_http = true\n" + PIPE)))

    def test_made_of_both(self) -> None:
        """What does not go together here and there leaves out that machinetype alone."""
        text = SETTINGS + PIPE + "max_processors = 2\n"
        body = document(
            {"suffix": "a", "root_image": "i", "min_processors": 4},
            {"suffix": "b", "root_image": "i"},
            {"suffix": "c"},
        )
        self.assertEqual(["exvo-b"], list(expanded(body, text)))
        self.assertEqual(
            [
                "machinetype 'a' is left out: max_processors = 2: less than min_processors, 4"
                " (vcycle.conf:7)",
                "machinetype 'c' is left out: root_image: needed with machine_model = cernvm3",
            ],
            told(body, text),
        )

    def test_warnings(self) -> None:
        """What cannot have been meant is told with its document's address."""
        [problem] = reading(one(heartbeat_seconds=60)).problems
        self.assertEqual(
            f"{URL}: [vacuum_pipe exvo] machinetype 'x' heartbeat_seconds: has no effect without"
            " heartbeat_file",
            str(problem),
        )

    def test_never_started(self) -> None:
        """A machinetype that cannot fit here is made, and that is told."""
        body = one(min_processors=16)
        self.assertEqual(["exvo-x"], list(expanded(body)))
        expected = (
            "machinetype 'x' min_processors = 16: can never start, as processors_per_superslot is 8"
        )
        self.assertEqual([expected], told(body))
        [line] = told(body, SETTINGS + PIPE + "[machinetype exvo-x]\nfizzle_seconds = 60\n")
        self.assertIn("vcycle.conf:7: [machinetype exvo-x] min_processors = 16", line)

    def test_section(self) -> None:
        """A pipe's section is judged as any other."""
        for text, expected in (
            ("[vacuum_pipe exvo]\n", "vacuum_pipe_url: needed"),
            (PIPE.replace("https:", "http:"), "nothing protects http://"),
            (PIPE + "cache_seconds = soon\n", "expected whole seconds"),
            (PIPE + "colour = blue\n", "no such option"),
            (PIPE.replace("exvo]", "EX_VO]"), "the name 'ex_vo': expected lower-case letters"),
            (PIPE.replace("exvo]", "other.test exvo]"), "no space 'other.test'"),
            (PIPE + "root_image = http://h.test/x\n", "nothing protects http://"),
        ):
            found = examine([("a", SETTINGS + text)], HOST, {URL: one()})
            self.assertIsNone(found.configuration)
            self.assertEqual(1, len(found.problems), found.problems)
            self.assertIn(expected, str(found.problems[0]))

    def test_containers(self) -> None:
        """A pipe of containers is left out, and told."""
        [line] = [
            problem
            for problem in told(one(), SETTINGS + PIPE + "machine_model = docker\n")
            if "nothing is started" not in problem
        ]
        self.assertIn("for containers; the vacuum pipe is left out", line)

    def test_bounds(self) -> None:
        """Pipes of a space are bounded in number, and so are their machinetypes with all others."""
        some = "".join(
            f"[vacuum_pipe p{number}]\nvacuum_pipe_url = {URL}\n" for number in range(MAX_PIPES + 1)
        )
        self.assertIn(
            f"more than {MAX_PIPES} vacuum pipes",
            str(examine([("a", SETTINGS + some)], HOST).problems[0]),
        )
        own = "".join(f"[machinetype m{i}]\nroot_image = x\n" for i in range(MAX_MACHINETYPES))
        found = told(one(), SETTINGS + PIPE + own)
        self.assertIn(f"left out: more than {MAX_MACHINETYPES} machinetypes", found[-1])
