"""Tests of documents from an ancestor, good ones and hostile ones."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from tests.core.pipes.writing import VECTORS, expanded, reading, told
from vcycle.core.machine import Model

HOSTILE = {
    "container_command-shell": "root_image = 'docker://registry.example.com/x': it is for"
    " containers, which are not supported; machine_model = 'docker': docker is for containers,"
    " which are not supported",
    "heartbeat_file-dotdot": "heartbeat_file = '..': expected a file name of letters, digits, '.',"
    " '_' and '-', at most 64, not starting with '.'",
    "heartbeat_file-slash": "heartbeat_file = '../finished': expected a file name of letters,"
    " digits, '.', '_' and '-', at most 64, not starting with '.'",
    "machinetypes-not-list": 'expected "machinetypes", a list',
    "min-gt-max": "max_processors = 1: less than min_processors, 8",
    "nan-share": "target_share = nan: expected a number that is finite and not so large;"
    " root_image: needed with machine_model = cernvm3",
    "negative-share": "target_share = -1.0: expected a number, 0 or more",
    "non-integer-seconds": "fizzle_seconds = 'soon': expected whole seconds, 0 or more",
    "not-json": "no JSON: line 1, column 1: Expecting value",
    "nonascii": "user_data_option_motd: expected printable ASCII characters",
    "option-not-allowed": "root_public_key = '/etc/passwd': only this factory's own configuration"
    " may set it; machinegroup = 'other': only this factory's own configuration may set it",
    "root_device-xml": 'root_device = "vda\'/><disk": expected a device name such as vda',
    "root_image-cvmfs-trailing-dotdot": "root_image = '/cvmfs/..': expected an address that begins"
    " with https://, or the name of a file, of letters, digits, '.', '_', '+' and '-';"
    " machine_model = 'singularity': singularity is for containers, which are not supported",
    "root_image-encoded-traversal": "root_image = 'https://images.example.com/../../x': its path"
    " has '.' or '..' in it",
    "root_image-local-path": "root_image = '/var/lib/libvirt/images/other.qcow2': expected an"
    " address that begins with https://, or the name of a file, of letters, digits, '.', '_', '+'"
    " and '-'",
    "suffix-missing": "it has no suffix; root_image: needed with machine_model = cernvm3",
    "suffix-newline-section": "suffix: expected lower-case letters, digits and '-', at most 64",
    "suffix-traversal": "suffix: expected lower-case letters, digits and '-', at most 64",
    "suffix-uppercase": "suffix: expected lower-case letters, digits and '-', at most 64",
    "top-level-list": 'expected an object, {"machinetypes": [...]}',
    "unknown-model": "machine_model = 'toaster': expected cernvm3, cernvm4, vm-raw or vm-direct",
    "user_data-absolute-path": "user_data = '/etc/shadow': expected an address that begins with"
    " https://, or the name of a file, of letters, digits, '.', '_', '+' and '-'",
    "user_data_file-slash": "user_data_file_secret = '../x509key.pem': expected the name of a file,"
    " of letters, digits, '.', '_', '+' and '-'",
}


class VectorTests(SynchronousTestCase):
    def test_example(self) -> None:
        """The ancestor's example: names, shares and directories as it makes them."""
        expected = json.loads((VECTORS / "example.expected.json").read_bytes())["expected"]
        found = expanded((VECTORS / "example.pipe").read_bytes())
        base = "/var/lib/vcycle/machinetypes/"
        self.assertEqual(
            expected,
            {
                name: {
                    "target_share": machinetype.target_share,
                    "machinetype_path": base + machinetype.directory,
                }
                for name, machinetype in found.items()
            },
        )
        prod, mcore = found["exvo-prod"], found["exvo-mcore"]
        self.assertEqual(
            ("exvo", Model.CERNVM3, "heartbeat", 900, True, 43200),
            (
                prod.pipe,
                prod.machine_model,
                prod.heartbeat_file,
                prod.heartbeat_seconds,
                prod.user_data_proxy,
                prod.min_wallclock_seconds,
            ),
        )
        self.assertEqual("/CN=sign01\\.example\\.com$", prod.image_signing_dn)
        self.assertEqual("/exvo/Role=production/Capability=NULL", prod.machinegroup)
        self.assertEqual(
            (8, 8, {"queue": "mcore"}, {"hostcert": "hostcert.pem"}),
            (
                mcore.min_processors,
                mcore.max_processors,
                mcore.user_data_options,
                mcore.user_data_files,
            ),
        )
        self.assertEqual([], told((VECTORS / "example.pipe").read_bytes()))

    def test_others(self) -> None:
        """An empty pipe has no machinetypes, and one without cache_seconds is a good one."""
        self.assertEqual({}, expanded((VECTORS / "empty.pipe").read_bytes()))
        [prod] = expanded((VECTORS / "no-cache-seconds.pipe").read_bytes()).values()
        self.assertEqual(8.0, prod.target_share)

    def test_hostile(self) -> None:
        """Each hostile document is refused with its reason, and the configuration is good."""
        found = {path.stem: path.read_bytes() for path in (VECTORS / "hostile").glob("*.pipe")}
        self.assertEqual(set(HOSTILE), set(found))
        for name, body in found.items():
            self.assertEqual({}, expanded(body), name)
            [problem] = [p for p in reading(body).problems if ": ignored: " not in p.text]
            self.assertTrue(problem.text.endswith(f": {HOSTILE[name]}"), problem.text)
            self.assertTrue(problem.text.isprintable(), name)
            self.assertFalse(problem.fatal)
