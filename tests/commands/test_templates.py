"""Tests of what ``vcycle check`` says of templates."""

from __future__ import annotations

from pathlib import Path

from tests.commands.test_check import MACHINETYPE, SETTINGS, Checking


class TemplateTests(Checking):
    def setUp(self) -> None:
        self.state = Path(self.mktemp()).absolute()
        self.files = self.state / "machinetypes" / "atlas" / "files"
        self.files.mkdir(parents=True)

    def test_too_long(self) -> None:
        """What is put into a template can make it too long, which is an error with its path."""
        (self.files / "large").write_bytes(b"x" * 1_000_000)
        (self.files / "ud").write_bytes(b"##user_data_option_a##" * 2)
        lines = (f"state_dir = {self.state}", MACHINETYPE, "user_data = ud")
        fits = SETTINGS + "\n".join((*lines, "user_data_option_a = x")) + "\n"
        self.assertEqual(0, self.check(self.file(fits))[0])
        long = SETTINGS + "\n".join((*lines, "user_data_file_a = large")) + "\n"
        status, out = self.check(self.file(long))
        self.assertEqual(1, status)
        self.assertIn(f"{self.files / 'ud'}: error: user_data of [machinetype", out)
        self.assertIn("user_data is over 1048576 bytes after its patterns were replaced", out)

    def said(self, template: bytes | None, *options: str, user_data: str = "ud") -> list[str]:
        """All that is printed but the summary; the configuration can be used all the same."""
        if template is not None:
            (self.files / "ud").write_bytes(template)
        lines = (f"state_dir = {self.state}", MACHINETYPE, f"user_data = {user_data}", *options)
        status, out = self.check(self.file(SETTINGS + "\n".join(lines) + "\n"))
        self.assertEqual(0, status, out)
        return out.splitlines()[:-1]

    def test_good(self) -> None:
        """Of a template that fits nothing is said."""
        self.assertEqual([], self.said(b"##user_data_option_a##", "user_data_option_a = x"))

    def test_faults(self) -> None:
        """Both faults are warnings with the template's path."""
        path, title = self.files / "ud", "user_data of [machinetype vcycle01.example.com atlas]"
        self.assertEqual(
            [
                f"{path}: warning: {title}: nothing stands for ##user_data_option_b##, which"
                " machines get without",
                f"{path}: warning: {title}: the template does not use user_data_option_a",
            ],
            self.said(b"##user_data_option_b##", "user_data_option_a = x"),
        )

    def test_elsewhere(self) -> None:
        """What is not here, is no file, or is fetched, is left to the daemon."""
        (self.files / "directory").mkdir()
        for user_data in ("none", "directory", "/dev/zero", "https://example.com/ud"):
            self.assertEqual([], self.said(None, user_data=user_data))

    def test_hostile(self) -> None:
        """However many patterns there are, the line is bounded."""
        template = b"".join(b"##user_data_%0200d##" % n for n in range(3000))
        [line] = self.said(template)
        self.assertLess(len(line), 2000)
        self.assertIn("and 2990 more", line)
