"""Tests of secrets that stand in files which everybody can read."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.core.config.writing import HOST, MACHINETYPE, SETTINGS, SPACE
from vcycle.core.config.build import examine

KEY = "-----BEGIN PRIVATE KEY-----"


class SecretTests(SynchronousTestCase):
    def found(self, text: str, exposed: tuple[str, ...] = ("a",)) -> list[str]:
        files = [("a", SETTINGS + text), ("b", MACHINETYPE)]
        return [str(problem) for problem in examine(files, HOST, exposed=exposed).problems]

    def test_literal(self) -> None:
        """A literal secret is an error, and is not told again in it."""
        for name in (
            *(
                "password",
                "db_password",
                "token",
                "token2",
                "secret",
                "client_secret",
                "passphrase",
            ),
            *("api_key", "sshkey", "host_key", "credentials", "pass", "db_pass", "pwd"),
        ):
            [line] = self.found(f"user_data_option_{name} = hunter2\n")
            self.assertEqual(
                f"a:3: [settings] user_data_option_{name}: looks like a secret, and every user of"
                f" this host can read the file: chmod o-r a, or name a file by"
                f" user_data_file_{name}",
                line,
            )
        self.assertEqual(1, len(self.found(f"user_data_option_x = {KEY}\n")))

    def test_features(self) -> None:
        """What machines are told by their features is no place for one either."""
        [line] = self.found("machinefeatures_option_token = hunter2\n")
        self.assertEqual(
            "a:3: [settings] machinefeatures_option_token: looks like a secret, and every user of"
            " this host can read the file: chmod o-r a",
            line,
        )
        self.assertEqual([], self.found("machinefeatures_option_rack = 5\n"))

    def test_not_secret(self) -> None:
        """Names of files are none, nor is what is public, or empty, or in a file of root's own."""
        for name in (
            *("token_url", "secret_file", "public_key", "sshpubkey", "authorized_key", "queue"),
            *("tokens_per_hour", "keyboard", "pass_through", "bypass", "compass"),
        ):
            self.assertEqual([], self.found(f"user_data_option_{name} = x\n"), name)
        self.assertEqual([], self.found("user_data_file_token = token.txt\n"))
        self.assertEqual([], self.found("user_data_option_token =\n"))
        self.assertEqual([], self.found("user_data_option_token = x\n", ()))
        self.assertEqual([], self.found("user_data_option_token = x\n", ("b",)))

    def test_everywhere(self) -> None:
        """Each kind of section is looked at, and each value in the file where it stands."""
        pipe = "[vacuum_pipe p]\nvacuum_pipe_url = https://h.test/p\n"
        for section in ("[DEFAULT]\n", "[machinetype atlas]\n", pipe, f"[space {SPACE}]\n"):
            lines = self.found(f"{section}\nuser_data_option_token = x\n")
            self.assertEqual(1, len([line for line in lines if "looks like" in line]), section)
