"""A machine's mark as the XML element that it carries, and back."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from vcycle.core.machine import Mark

NAMESPACE = "urn:vcycle:machine:1"
MAX_LENGTH = 1 << 18

_TAG = f"{{{NAMESPACE}}}machine"
_NAMES = ("owner", "space", "uuid", "name")
# What XML cannot hold at all, and what its parsers would change on the way.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

ElementTree.register_namespace("vcycle", NAMESPACE)


def fit(text: str, what: str) -> str:
    """
    The text itself, if it comes back from XML as it went in.

    :raises ValueError: it holds control characters, or what is no character.
    """
    unfit = _UNFIT.search(text)
    if unfit is not None:
        where = f"character {unfit.start() + 1} is U+{ord(unfit[0]):04X}"
        raise ValueError(f"{what} {text[:100]!r}: {where}, which XML cannot carry; remove it")
    return text


def mark_element(mark: Mark) -> ElementTree.Element:
    """
    The mark as an element of Vcycle's own namespace.

    :raises ValueError: a text of it is unfit for XML, or all is too long to be read back.
    """
    names = {name: fit(getattr(mark, name), f"the mark's {name}") for name in _NAMES}
    element = ElementTree.Element(_TAG, names)
    element.text = fit(mark.facts, "the mark's facts")
    if len(ElementTree.tostring(element)) > MAX_LENGTH:
        raise ValueError(f"the mark of {mark.name} is longer than {MAX_LENGTH} bytes")
    return element


def mark_xml(mark: Mark) -> str:
    """The text of ``mark_element``; raises as that does."""
    return ElementTree.tostring(mark_element(mark), encoding="unicode")


def read_mark(xml: str) -> Mark:
    """
    The mark in the text of its element, in its namespace or, as libvirt gives it, without.

    :raises ValueError: this is no mark, whatever else it may be.
    """
    if len(xml) > MAX_LENGTH:
        raise ValueError(f"a mark of {len(xml)} characters is too long")
    if "<!" in xml:
        # Neither entities nor anything else that grows when it is parsed.
        raise ValueError("a mark holds no declarations")
    try:
        element = ElementTree.fromstring(xml)  # noqa: S314 - bounded, and without declarations
    except ElementTree.ParseError as error:
        raise ValueError(f"a mark that is not well-formed: {error}") from error
    if element.tag not in (_TAG, "machine") or set(element.keys()) != set(_NAMES) or len(element):
        raise ValueError(f"not a mark: {element.tag[:100]!r}")
    mark = Mark(**{name: element.attrib[name] for name in _NAMES}, facts=element.text or "")
    for name in _NAMES:
        if not fit(getattr(mark, name), f"the mark's {name}"):
            raise ValueError(f"a mark without {name}")
    return mark
