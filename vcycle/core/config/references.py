"""What options say of files, of addresses they are fetched from, and of secrets."""

from __future__ import annotations

from vcycle.core.config.findings import Findings
from vcycle.core.config.sheet import Sheet
from vcycle.core.config.syntax import shown


def check_references(sheet: Sheet, findings: Findings) -> None:
    """What a section says of files and of user_data's options."""
    for name, value in sheet.values.items():
        prefixed = name.startswith("user_data_file_")
        if not prefixed and name not in ("root_image", "user_data", "kernel", "initrd"):
            continue
        cure = "use a local file, by its absolute path or below machinetypes/NAME/files"
        quoted = f"{value.header} {value.option} = {shown(value.text)}"
        text = value.text.lower()
        if text.startswith(("http://", "https://")):
            findings.warning_at(value, f"{quoted}: fetching is not in this version: {cure}")
        elif text.startswith("image:"):
            text = "images of clouds are not in this version"
            findings.warning_at(value, f"{quoted}: {text}: {cure}")
        elif "://" in text:
            findings.error_at(value, f"{quoted}: no such kind of URL: {cure}")
        other = name.replace("user_data_file_", "user_data_option_", 1)
        if prefixed and other in sheet.values:
            findings.error_at(value, f"{value.header} {name}: {other} is set too; remove one")
