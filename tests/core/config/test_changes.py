"""Tests for vcycle.core.config.changes."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.core.config.writing import MACHINETYPE, SETTINGS, SPACE, configuration
from vcycle.core.config.changes import changes


class ChangesTests(SynchronousTestCase):
    def of(self, old: tuple[str, str], new: tuple[str, str]) -> list[str]:
        """What differs when [settings] and [machinetype atlas] have these lines."""
        before, after = (configuration(f"{SETTINGS}{s}\n{MACHINETYPE}{m}\n") for s, m in (old, new))
        return list(changes(before, after))

    def test_none(self) -> None:
        """The same configuration has no changes, wherever it was written."""
        self.assertEqual([], self.of(("draining = no", ""), ("", "backoff_seconds = 10")))

    def test_values(self) -> None:
        """Each value that changed is told as it was and as it is."""
        found = self.of(
            ("draining = no\nstate_dir = /a", ""),
            ("draining = yes\nstate_dir = /b\nfactories = . f2", "heartbeat_file = beat"),
        )
        space = f"space {SPACE}"
        self.assertEqual(
            [
                "settings: state_dir was /a, is /b",
                f"{space}: factories was not set, is factory1.example.com f2.example.com",
                f"{space}: draining was no, is yes",
                f"{space}: machinetype atlas: heartbeat_file was not set, is beat",
            ],
            found,
        )

    def test_odd_texts(self) -> None:
        """Long texts are cut, and what cannot be printed is written in a way that can be."""
        found = self.of(
            ("machinefeatures_option_a = x\ndescription = y", ""),
            (f"machinefeatures_option_a = z\ndescription = \u200b{'z' * 300}", ""),
        )
        what = f"space {SPACE}"
        self.assertEqual(
            [
                f"{what}: description was y, is '\\u200b{'z' * 199}'",
                f"{what}: machinefeatures_option_a changed",
            ],
            found,
        )
        found = self.of(("", "kernel_arguments = a"), ("", ""))
        self.assertEqual([f"{what}: machinetype atlas: kernel_arguments was a, is not set"], found)

    def test_members(self) -> None:
        """Machinetypes and spaces that come and go are told."""
        more = "[machinetype cms]\nroot_image = c.img\n[space b.test]\nfactory_name = b.example.com"
        found = self.of(("", ""), ("", more))
        self.assertEqual(
            [f"space {SPACE}: machinetype cms: added", "space b.test: added"], sorted(found)[::-1]
        )
        self.assertIn("space b.test: removed", self.of(("", more), ("", "")))

    def test_secrets(self) -> None:
        """Values of user_data options are not told; that they changed is."""
        found = self.of(
            ("", "user_data_option_a = s3cret\nuser_data_option_b = s3cret\nuser_data_file_c = x"),
            ("", "user_data_option_a = secr3t\nuser_data_option_d = s3cret\nuser_data_file_c = y"),
        )
        what = f"space {SPACE}: machinetype atlas"
        self.assertEqual(
            [
                f"{what}: user_data_option_a changed",
                f"{what}: user_data_option_b removed",
                f"{what}: user_data_option_d added",
                f"{what}: user_data_file_c was x, is y",
            ],
            found,
        )
