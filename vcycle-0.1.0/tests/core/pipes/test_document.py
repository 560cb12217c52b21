"""Tests for vcycle.core.pipes.document and allowed."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.core.pipes.writing import document, one
from vcycle.core.errors import PipeError
from vcycle.core.pipes.document import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_MACHINETYPES,
    MAX_OPTIONS,
    Entry,
    decode,
)


def entry(body: bytes) -> Entry:
    """The only machinetype of a document that nothing is wrong with."""
    found = decode(body)
    assert (found.left_out, found.ignored) == ((), ()), found
    [single] = found.entries
    return single


def left_out(**options: object) -> str:
    """Why a machinetype with these options is left out."""
    found = decode(one(**options))
    assert found.entries == (), found
    [line] = found.left_out
    return line.replace("machinetype 'x' is left out: ", "")


class WholeTests(SynchronousTestCase):
    def refused(self, body: bytes) -> str:
        return str(self.assertRaises(PipeError, decode, body))

    def test_no_document(self) -> None:
        """What is no document at all is refused, and where it goes wrong is told."""
        for body, text in (
            (b"", "no JSON: line 1, column 1: Expecting value"),
            (b'{"machinetypes": [\n}', "no JSON: line 2, column 1: Expecting value"),
            (b'{"machinetypes": [], "a": "\xff"}', "no JSON: byte 28 is not UTF-8 text"),
            (b"{}", 'expected "machinetypes", a list'),
            (b'{"machinetypes": null}', 'expected "machinetypes", a list'),
            (b"3", 'expected an object, {"machinetypes": [...]}'),
            (b" " * (MAX_BYTES + 1), f"{MAX_BYTES + 1} bytes: at most {MAX_BYTES} are read"),
        ):
            self.assertEqual(text, self.refused(body))

    def test_bounds(self) -> None:
        """Numbers of machinetypes and of options are bounded, and how deep it is."""
        many = [{"suffix": f"m{number}"} for number in range(MAX_MACHINETYPES)]
        self.assertEqual(MAX_MACHINETYPES, len(decode(document(*many)).entries))
        self.assertIn("at most", self.refused(document(*many, {"suffix": "more"})))
        options = {f"user_data_option_{number}": 1 for number in range(MAX_OPTIONS)}
        self.assertIn("at most", left_out(**options))
        for body in (b"[" * 500_000, b'{"a":' * 100_000, b'{"machinetypes": [' * 5):
            text = f"lists and objects in one another more than {MAX_DEPTH} deep"
            self.assertEqual(text, self.refused(body))
        self.assertEqual(1, len(decode(one(user_data_option_a="[{" * 100)).entries))
        digits = b'{"machinetypes": [], "cache_seconds": %s}' % (b"9" * 1_000_000)
        self.assertIsNone(decode(digits).cache_seconds)

    def test_byte_order_mark(self) -> None:
        """A document that begins with one is read."""
        self.assertEqual(1, len(decode(b"\xef\xbb\xbf" + one()).entries))

    def test_cache_seconds(self) -> None:
        """Whole seconds, as a number or a string; else it is as if nothing were said."""
        good: list[tuple[object, int | None]]
        good = [(60, 60), ("60", 60), (60.0, 60), (0, 0), (None, None)]
        for value, seconds in good:
            found = decode(document(cache_seconds=value))
            self.assertEqual((seconds, ()), (found.cache_seconds, found.ignored))
        bad: list[object] = [-1, "soon", True, [60], float("nan"), float("inf"), 10**12]
        for value in bad:
            found = decode(document(cache_seconds=value))
            self.assertIsNone(found.cache_seconds)
            expected = ("cache_seconds: ignored: expected whole seconds, 0 or more",)
            self.assertEqual(expected, found.ignored)

    def test_other_keys(self) -> None:
        """Keys that nobody knows are ignored, and told."""
        found = decode(document(comment="for people"))
        self.assertEqual(("'comment': ignored: no such key",), found.ignored)


class EntryTests(SynchronousTestCase):
    def test_values(self) -> None:
        """Numbers, truths and strings are all taken as a configuration file would say them."""
        found = entry(
            one(
                fizzle_seconds=600,
                backoff_seconds="60",
                heartbeat_seconds=900.0,
                target_share=0.001,
                legacy_proxy=True,
                user_data_proxy="True",
                user_data_option_text="a\nb\tc",
            )
        )
        expected = {
            "root_image": "img.iso",
            "fizzle_seconds": "600",
            "backoff_seconds": "60",
            "heartbeat_seconds": "900",
            "target_share": "0.001",
            "legacy_proxy": "true",
            "user_data_proxy": "True",
            "user_data_option_text": "a\nb\tc",
        }
        self.assertEqual(expected, dict(found.options))

    def test_other_values(self) -> None:
        """Nothing else is a value."""
        bad: list[object] = [None, [], {}, float("inf"), 1e300, "", "a b", "1e3"]
        for value in bad:
            self.assertIn("fizzle_seconds", left_out(fizzle_seconds=value))
        self.assertIn("printable ASCII", left_out(accounting_fqan="/ex\nvo"))
        self.assertIn("at most 1000000000", left_out(fizzle_seconds=10**10))

    def test_old_names(self) -> None:
        """Former names of options are taken, above all where a signature is asked for."""
        found = entry(one(cernvm_signing_dn="/CN=a"))
        self.assertEqual("/CN=a", found.options["image_signing_dn"])
        both = decode(one(cernvm_signing_dn="/CN=a", image_signing_dn="/CN=b"))
        self.assertEqual("/CN=b", both.entries[0].options["image_signing_dn"])
        line = "machinetype 'x': ignored: cernvm_signing_dn: image_signing_dn is there too"
        self.assertEqual((line,), both.ignored)

    def test_ignored(self) -> None:
        """What is for containers, or not known, has no effect, and is told."""
        found = decode(one(container_command="/x; y", cvmfs_repositories="a b", colour="blue"))
        self.assertEqual(["x"], [each.suffix for each in found.entries])
        self.assertEqual(
            (
                "machinetype 'x': ignored: container_command: it is for containers;"
                " cvmfs_repositories: it is for containers; colour: no such option for"
                " machinetypes of a pipe",
            ),
            found.ignored,
        )

    def test_not_theirs(self) -> None:
        """What is the factory's own to say refuses the machinetype."""
        for option in (
            *("root_public_key", "shared_dirs", "machines_dir_days", "machinegroup", "kernel"),
            *("initrd", "kernel_arguments", "cvmfs_proxy_machinetype", "volume_group", "state_dir"),
            *("vacuum_pipe_url", "machinefeatures_option_a", "total_machines", "libvirt_uri"),
        ):
            self.assertIn(
                "only this factory's own configuration may set it", left_out(**{option: 1})
            )

    def test_one_alone(self) -> None:
        """Whatever one machinetype is, the others are read."""
        items: list[object] = [{"suffix": "a"}, 3, None, {"suffix": "b", "root_device": "/"}]
        found = decode(document(*items, {"suffix": "a"}, {"suffix": 7}, {"suffix": "c"}))
        self.assertEqual(["a", "c"], [each.suffix for each in found.entries])
        self.assertEqual(
            (
                "machinetype no 2 is left out: expected an object",
                "machinetype no 3 is left out: expected an object",
                "machinetype 'b' is left out: root_device = '/': expected a device name such as"
                " vda",
                "machinetype 'a' is left out: another one has this suffix too",
                "machinetype no 6 is left out: suffix: expected a string",
            ),
            found.left_out,
        )

    def test_twice(self) -> None:
        """Which of two values was meant is not guessed."""
        body = b'{"machinetypes": [{"suffix": "x", "user_data": "a", "user_data": "b"}]}'
        expected = "machinetype 'x' is left out: 'user_data' is written twice"
        self.assertEqual((expected,), decode(body).left_out)

    def test_secrets(self) -> None:
        """Values of user_data's options are not told: they may be secrets."""
        self.assertNotIn("hunter", left_out(user_data_option_token="hunter\u00e9"))

    def test_many_reasons(self) -> None:
        """A line has a bounded length, however much is wrong."""
        options = {f"user_data_file_{number}": "/" * 2000 for number in range(400)}
        self.assertLess(len(left_out(**options)), 5000)


class ReferenceTests(SynchronousTestCase):
    def test_names(self) -> None:
        """A file of the machinetype's own directory, by its name alone."""
        for name in ("a", "image.iso", "a-b_c+1.qcow2", "_x"):
            for option in ("root_image", "user_data", "user_data_file_a"):
                self.assertEqual(name, entry(one(**{option: name})).options[option])
        for name in ("", ".", "..", ".ssh", "a/b", "/a", "a\\b", "~", "a%2fb", "a b", "image:x"):
            for option in ("root_image", "user_data", "user_data_file_a"):
                self.assertIn(option, left_out(**{option: name}))

    def test_addresses(self) -> None:
        """Ordinary addresses are good, those that could lead elsewhere are not."""
        for url in (
            "https://images.example.com/a/b.iso",
            "https://images.example.com:8443/a%20b?x=1&y=..",
            "https://192.0.2.1/a",
            "https://[2001:db8::1]/a",
            "http://images.example.com/a",
        ):
            self.assertEqual(url, entry(one(root_image=url)).options["root_image"])
        for url in (
            *("https://h.test/../x", "https://h.test/a/./x", "https://h.test/%2e%2e/x"),
            *("https://h.test/%252e%252E/x", "https://h.test/..%2fx", "https://h.test/a\\..\\x"),
            *("https://h.test/..%5cx", "https://h.test/%00", "https://h.test/%0a", "https://"),
            *("https://user@h.test/x", "https://h.test/a b", "https://h.test/x#y", "https:///x"),
            *("https://127.0.0.1/x", "https://localhost/x", "https://a.localhost/x"),
            *("https://169.254.169.254/x", "https://[::1]/x", "https://[::ffff:127.0.0.1]/x"),
            *("https://0x7f.1/x", "https://2130706433/x", "https://127.1/x", "https://0.0.0.0/"),
            *("https://h.test:0/x", "https://h.test:99999/x", "https://[fe80::1%25eth0]/x"),
            *("ftp://h.test/x", "file:///etc/passwd", "HTTPS://h.test/x", "https://h%2ftest/x"),
            "https://h.test/" + "x" * 1000,
        ):
            self.assertIn("root_image = ", left_out(root_image=url), url)
            self.assertIn("user_data = ", left_out(user_data=url), url)
        self.assertIn("user_data_file_a", left_out(user_data_file_a="https://h.test/x"))


class ExpressionTests(SynchronousTestCase):
    def test_simple(self) -> None:
        """Expressions as they are really used are good."""
        for text in (r".*/CN=cvm-sign0[12]\.cern\.ch", r"^/DC=ch/.*/CN=.*sign.*$", "/CN=(a|b)"):
            self.assertEqual(text, entry(one(image_signing_dn=text)).options["image_signing_dn"])

    def test_costly(self) -> None:
        """Those that some text takes for ever to be matched with are not, nor are broken ones."""
        for text in ("(a+)+b", "(a|a)*b", r"(a)\1", "(", ".*" * 9, "a?" * 30, "x" * 501):
            self.assertIn("image_signing_dn", left_out(image_signing_dn=text), text)
