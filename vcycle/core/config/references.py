"""What options say of files, of addresses they are fetched from, and of secrets."""

from __future__ import annotations

import re

from vcycle.core.config.findings import Findings
from vcycle.core.config.kinds import KINDS
from vcycle.core.config.sections import Sheets
from vcycle.core.config.sheet import Sheet
from vcycle.core.config.syntax import Value, shown

FETCHED = ("root_image", "user_data", "kernel", "initrd")
"""Options that may name what is fetched, beside the user_data_file_ ones."""

NO_HTTP = "nothing protects http://: use https://, or set allow_http = true in [settings]"
_CURE = "use https://, or a local file by its absolute path or below machinetypes/NAME/files"
_PRIVATE = "PRIVATE KEY-----"
# Options that hand any text on to machines.
_TOLD = ("user_data_option_", "machinefeatures_option_")
_SECRET = re.compile(
    r"(password|passwd|passphrase|(?<![a-z])pass|(?<![a-z])pwd|token|secret|credentials?"
    r"|(?<!public)(?<!public_)(?<!pub)(?<!pub_)(?<!authorized_)key)[0-9]*$"
)


def check_references(sheet: Sheet, findings: Findings, allow_http: bool = True) -> None:
    """What a section says of files, of what is fetched, and of user_data's options."""
    for name, value in sheet.values.items():
        prefixed = name.startswith("user_data_file_")
        if not prefixed and name not in FETCHED:
            continue
        quoted = f"{value.header} {value.option} = {shown(value.text)}"
        text = value.text.lower()
        if text.startswith("http://") and not allow_http:
            findings.error_at(value, f"{quoted}: {NO_HTTP}")
        elif text.startswith(("http://", "https://")):
            _check_address(value, quoted, findings)
        elif text.startswith("image:"):
            text = "images of clouds are not in this version"
            findings.warning_at(value, f"{quoted}: {text}: {_CURE}")
        elif "://" in text:
            findings.error_at(value, f"{quoted}: no such kind of URL: {_CURE}")
        other = name.replace("user_data_file_", "user_data_option_", 1)
        if prefixed and other in sheet.values:
            findings.error_at(value, f"{value.header} {name}: {other} is set too; remove one")


def _check_address(value: Value, quoted: str, findings: Findings) -> None:
    try:
        KINDS["url"].parse(value.text)
    except ValueError:
        findings.error_at(value, f"{quoted}: expected {KINDS['url'].wanted}")


def check_secrets(sheets: Sheets, findings: Findings) -> None:
    """Whoever can log in to the host can read what a file says that everybody may read."""
    nested = (*sheets.machinetypes.values(), *sheets.pipes.values())
    for sheet in (sheets.default, sheets.settings, *sheets.spaces.values()):
        _check_secrets(sheet, findings)
    for some in nested:
        for sheet in some.values():
            _check_secrets(sheet, findings)


def _check_secrets(sheet: Sheet, findings: Findings) -> None:
    for name, value in sheet.values.items():
        if value.file not in findings.exposed or not name.startswith(_TOLD):
            continue
        if value.text and (_SECRET.search(name) or _PRIVATE in value.text):
            cure = f"chmod o-r {value.file}"
            if name.startswith("user_data_option_"):
                own = name.replace("user_data_option_", "user_data_file_", 1)
                cure += f", or name a file by {own}"
            findings.error_at(
                value,
                f"{value.header} {name}: looks like a secret, and every user of this host can"
                f" read the file: {cure}",
            )
