"""Regular expressions from configurations and pipes: only those that cannot take for ever."""

from __future__ import annotations

import re

MAX_LENGTH = 500
MAX_REPEATS = 3
"""Most ``*``, ``+`` and ``{``: matching takes steps to the power of their number."""
MAX_CHOICES = 8
"""Most ``?`` and ``|``: matching takes two to the power of their number."""
_SINGLE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^]\\])*\]", re.DOTALL)


def cost_problem(text: str) -> str | None:
    """
    Why an expression could take very long on a DN, as only nested or many repetitions do.

    What repeats a group, looks around or refers back is refused; None if there is none of it.
    """
    plain = _SINGLE.sub("x", text)
    if re.search(r"\)[*+{]", plain):
        return "it repeats a group"
    if re.search(r"\(\?(?!:)", plain) or re.search(r"\\[1-9]", text):
        return "it looks around, refers back or has flags"
    if len(re.findall(r"[*+{]", plain)) > MAX_REPEATS:
        return f"it has more than {MAX_REPEATS} of * + {{"
    if len(re.findall(r"\?|\|", plain.replace("(?:", "("))) > MAX_CHOICES:
        return f"it has more than {MAX_CHOICES} of ? |"
    return None
