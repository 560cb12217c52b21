"""What can be said of a template of user_data before any machine is made from it."""

from __future__ import annotations

from attrs import frozen

from vcycle.core import squids
from vcycle.core.config.model import Machinetype
from vcycle.core.userdata import PROXY, SHARED_DIRS, STANDARD, asked


@frozen(kw_only=True)
class Verdict:
    """
    ``unknown`` are the names of patterns that nothing stands for, which are removed; ``unused`` the
    options that the template never asks for.
    """

    unknown: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


def judge(template: bytes, machinetype: Machinetype) -> Verdict:
    """
    Compare a template with what its machinetype has for it.

    A proxy of CernVM-FS that is a machine of our own may come and go, and is never in vain.
    """
    wanted = asked(template)
    # For each option of the machinetype, the patterns that it answers to.
    answers = {
        f"user_data_option_{key}": {f"option_{key}"} for key in machinetype.user_data_options
    }
    for key in machinetype.user_data_files:
        own = {f"file_{key}"}
        if key not in machinetype.user_data_options:
            own.add(f"option_{key}")
        answers[f"user_data_file_{key}"] = own
    if machinetype.user_data_proxy:
        answers["user_data_proxy"] = {PROXY}
    if machinetype.cvmfs_proxy_machinetype is not None:
        answers["cvmfs_proxy_machinetype"] = {f"option_{squids.OPTION}"}
    known = STANDARD.union({SHARED_DIRS}, *answers.values())
    return Verdict(
        unknown=tuple(sorted(wanted - known)),
        unused=tuple(sorted(option for option, names in answers.items() if not names & wanted)),
    )
