"""The signature of a UPO: whether it fits the document, and which part of the document it covers.

Integrity, not trust: the certificate is the one inside the signature, so the result says that nobody changed
the receipt after it was signed, not that the ministry signed it.
"""

import base64
import binascii
from dataclasses import dataclass
from enum import Enum
from typing import Final

from cryptography import x509
from lxml import etree
from signxml.exceptions import InvalidSignature, SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_C14N: Final = frozenset(
    f"{algorithm}{comments}"
    for algorithm in (
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        "http://www.w3.org/2006/12/xml-c14n11",
    )
    for comments in ("", "#WithComments", "WithComments")
)
_KNOWN_TRANSFORMS: Final = _C14N | {"http://www.w3.org/2000/09/xmldsig#enveloped-signature"}


class UpoSignature(Enum):
    """What a receipt's signature shows."""

    INTACT = "the content is what was signed"
    ABSENT = "unsigned"
    UNVERIFIABLE = "signed in a way that cannot be checked here"
    BROKEN = "the content is not what was signed"


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """``signed`` is the root as it was signed (INTACT only): read content from there and nowhere else."""

    verdict: UpoSignature
    reason: str = ""
    signed: etree._Element | None = None


def check_signature(root: etree._Element) -> SignatureCheck:
    """Check the one ``ds:Signature`` directly below ``root``."""
    signatures = root.findall(f"{DS}Signature")
    if not signatures:
        return SignatureCheck(UpoSignature.ABSENT)
    if len(signatures) > 1:
        return SignatureCheck(UpoSignature.UNVERIFIABLE, "more than one signature")
    certificate = _certificate(signatures[0])
    if certificate is None:
        return SignatureCheck(UpoSignature.UNVERIFIABLE, "no readable certificate in the signature")
    unknown = _unknown_transforms(signatures[0])
    if unknown:
        # The library skips a transform that it does not know and would report a wrong digest.
        return SignatureCheck(UpoSignature.UNVERIFIABLE, f"transforms {', '.join(sorted(unknown))}")
    return _check(root, certificate)


def _check(root: etree._Element, certificate: x509.Certificate) -> SignatureCheck:
    config = SignatureConfiguration(
        location="./",
        expect_references=True,
        # Integrity only: a receipt stays intact after its certificate has run out.
        verification_time=certificate.not_valid_before_utc,
    )
    try:
        results = XMLVerifier().verify(root, x509_cert=certificate, expect_config=config)
    except InvalidSignature as err:
        return SignatureCheck(UpoSignature.BROKEN, str(err))
    except (SignXMLException, etree.LxmlError, ValueError, KeyError, TypeError) as err:
        return SignatureCheck(UpoSignature.UNVERIFIABLE, f"{type(err).__name__}: {err}")
    covered = results if isinstance(results, list) else [results]
    parts = [result.signed_xml for result in covered if result.signed_xml is not None]
    signed = next((part for part in parts if part.tag == root.tag), None)
    if signed is None:
        return SignatureCheck(UpoSignature.BROKEN, "the signature does not cover the document")
    return SignatureCheck(UpoSignature.INTACT, signed=signed)


def _certificate(signature: etree._Element) -> x509.Certificate | None:
    text = signature.findtext(f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate")
    try:
        return x509.load_der_x509_certificate(base64.b64decode("".join((text or "").split()), validate=True))
    except (ValueError, binascii.Error):
        return None


def _unknown_transforms(signature: etree._Element) -> set[str]:
    used = signature.iterfind(f"{DS}SignedInfo/{DS}Reference/{DS}Transforms/{DS}Transform")
    return {transform.get("Algorithm", "") for transform in used} - _KNOWN_TRANSFORMS
