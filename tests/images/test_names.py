"""Tests for vcycle.images.names."""

from __future__ import annotations

import re
import time
import warnings

from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import crypto
from twisted.trial.unittest import SynchronousTestCase

from tests.images.signed import CERNVM, NOW, certify, key, name
from vcycle.core.expressions import cost_problem
from vcycle.images.names import MAX_NAME, name_problem, oneline

OIDS = (
    *(NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.DOMAIN_COMPONENT),
    *(NameOID.SURNAME, NameOID.GIVEN_NAME, NameOID.USER_ID, NameOID.EMAIL_ADDRESS),
    *(NameOID.STREET_ADDRESS, NameOID.BUSINESS_CATEGORY),
    *(NameOID.TITLE, NameOID.PSEUDONYM, NameOID.POSTAL_CODE),
    *(NameOID.GENERATION_QUALIFIER, NameOID.STATE_OR_PROVINCE_NAME, NameOID.LOCALITY_NAME),
    *(x509.ObjectIdentifier("2.5.4.97"), NameOID.JURISDICTION_LOCALITY_NAME),
    *(NameOID.UNSTRUCTURED_NAME, x509.ObjectIdentifier("1.2.3.4.5")),
)
ATTRIBUTES = st.builds(
    x509.NameAttribute,
    st.sampled_from(OIDS),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
)
NAMES = st.builds(
    x509.Name,
    st.lists(
        st.lists(ATTRIBUTES, min_size=1, max_size=3, unique_by=lambda each: each.oid).map(
            x509.RelativeDistinguishedName
        ),
        max_size=4,
    ),
)


def encoded(subject: x509.Name) -> x509.Name:
    """A name as it is read from a certificate: what it holds in a set is in the set's order."""
    return certify(subject, key("x", 256), None, begin=NOW, end=NOW + 60).certificate.subject


def as_openssl_has_it(subject: x509.Name) -> str:
    made = certify(subject, key("x", 256), None, begin=NOW, end=NOW + 60).certificate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        text = repr(crypto.X509.from_cryptography(made).get_subject())
    match = re.fullmatch(r"<X509Name object '(.*)'>", text)
    assert match is not None, text
    return match[1]


class OnelineTests(SynchronousTestCase):
    def test_known(self) -> None:
        """DNs are written as grids write them."""
        for dn in (
            CERNVM,
            "/serialNumber=7/dnQualifier=x/C=UK/O=eScience/OU=Manchester/L=HEP/CN=host.example.com",
        ):
            self.assertEqual(dn, oneline(name(dn)))

    def test_host(self) -> None:
        """A slash that begins no attribute stays one."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "host/f1.example.com")])
        self.assertEqual(r"/CN=host\/f1.example.com", oneline(subject))

    def test_forged(self) -> None:
        """No value can look as if another attribute began in it."""
        forged = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "x/CN=cvm-sign02.cern.ch")
        self.assertEqual(r"/O=x\x2FCN=cvm-sign02.cern.ch", oneline(x509.Name([forged])))

    @settings(max_examples=100, deadline=None)
    @given(NAMES)
    def test_openssl(self, subject: x509.Name) -> None:
        """The form is that of OpenSSL for any attributes and texts, but for such slashes."""
        ours = oneline(encoded(subject))
        theirs = as_openssl_has_it(subject)
        if len(ours) < 400:  # theirs ends at some length
            self.assertEqual(theirs, ours.replace(r"\x2F", r"\/"))

    @settings(max_examples=100, deadline=None)
    @given(st.text(max_size=30), st.text(max_size=30))
    def test_no_forgery(self, before: str, after: str) -> None:
        """Whatever is around it, one value has one attribute's beginning."""
        value = f"{before}/CN=cvm-sign02.cern.ch{after}".encode("utf-8", "replace").decode()
        subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, value)])
        dn = oneline(subject)
        self.assertNotIn("/CN=", dn)
        self.assertTrue(dn.isascii() and dn.isprintable())


class NameProblemTests(SynchronousTestCase):
    def test_whole(self) -> None:
        """The whole DN has to match."""
        self.assertIsNone(name_problem(CERNVM, r".*/CN=cvm-sign0[12]\.cern\.ch"))
        self.assertIsNone(name_problem(CERNVM, r".*/CN=cvm-sign0[12]\.cern\.ch$"))
        self.assertIsNone(name_problem(CERNVM, re.escape(CERNVM)))

    def test_part(self) -> None:
        """An expression of a part of the DN matches nothing, and is told how to be written."""
        for expression in (r"/CN=cvm-sign02\.cern\.ch$", "cern", "^/DC=ch"):
            problem = name_problem(CERNVM, expression)
            assert problem is not None
            self.assertIn(f"the signer's DN is {CERNVM}, which {expression} does not", problem)
            self.assertIn(r"write .* before, as in .*/CN=cvm-sign0[12]\.cern\.ch", problem)

    def test_hostile(self) -> None:
        """An expression that is dear to search for is not searched for."""
        expression, began = "(a|a)(a|a)(a|a).*b.*c", time.thread_time()
        self.assertIsNone(cost_problem(expression))
        self.assertIn("does not match", str(name_problem("a" * MAX_NAME, expression)))
        self.assertLess(time.thread_time() - began, 0.5)

    def test_other(self) -> None:
        """Another signer is named."""
        problem = name_problem("/CN=Mallory", r".*/CN=cvm-sign0[12]\.cern\.ch")
        self.assertEqual(
            r"the signer's DN is /CN=Mallory, which .*/CN=cvm-sign0[12]\.cern\.ch does not match",
            problem,
        )

    def test_long(self) -> None:
        """A DN too long to be held against anything is refused."""
        self.assertIn("over", str(name_problem("/CN=" + MAX_NAME * "x", ".*")))
