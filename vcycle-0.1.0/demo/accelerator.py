"""What runs the guests' processors on this machine."""

from __future__ import annotations

import re
from pathlib import Path


def accelerator() -> str:
    """``KVM``, or ``TCG`` and why not KVM, in words for an administrator."""
    flags = set(re.findall(r"\b(?:vmx|svm)\b", Path("/proc/cpuinfo").read_text("utf-8")))
    if not flags:
        return "TCG, slowly: the processor offers no vmx or svm, so KVM would not boot Linux"
    try:
        with open("/dev/kvm", "r+b", buffering=0):
            return "KVM"
    except OSError as error:
        return f"TCG, slowly: /dev/kvm cannot be opened ({error.strerror})"
