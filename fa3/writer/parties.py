"""Podmiot1, Podmiot2, Podmiot3, PodmiotUpowazniony and, on corrections, Podmiot1K and Podmiot2K.

Invariant: a Polish NIP stands as NIP and nowhere else, for only then does KSeF show the invoice to its owner.
"""

from collections.abc import Sequence

from contracts.invoice.party import (
    Address,
    AuthorisedParty,
    Buyer,
    BuyerBefore,
    Contact,
    Identified,
    SellerBefore,
    ThirdParty,
    VatEu,
)
from fa3.identifiers import is_nip
from fa3.writer.markup import element, flag, group, optional, plain, yes_no
from fa3.writer.seller import CompleteSeller

# The VAT numbering of the EU calls Greece EL; everywhere else FA(3) has GR.
_VAT_PREFIXES = {"GR": "EL"}


def seller(party: CompleteSeller, *, eu_prefix: bool) -> str:
    """Podmiot1."""
    stated = party.stated
    return (
        "<Podmiot1>"
        + _prefix(eu_prefix)
        + optional("NrEORI", stated.eori)
        + _nip_and_name(stated.nip, party.name)
        + _address("Adres", party.address)
        + _address("AdresKoresp", stated.correspondence)
        + _contacts(party.contacts)
        + optional("StatusInfoPodatnika", stated.status)
        + "</Podmiot1>"
    )


def buyer(party: Buyer) -> str:
    """Podmiot2."""
    return (
        "<Podmiot2>"
        + optional("NrEORI", party.eori)
        + _identity(party, party.name)
        + _address("Adres", party.address)
        + _address("AdresKoresp", party.correspondence)
        + _contacts(party.contacts)
        + optional("NrKlienta", party.customer_no)
        + optional("IDNabywcy", party.buyer_key)
        + yes_no("JST", party.local_gov)
        + yes_no("GV", party.vat_group)
        + "</Podmiot2>"
    )


def third_party(party: ThirdParty) -> str:
    """Podmiot3."""
    return (
        "<Podmiot3>"
        + optional("IDNabywcy", party.buyer_key)
        + optional("NrEORI", party.eori)
        + _identity(party, party.name, internal_id=party.internal_id)
        + _address("Adres", party.address)
        + _address("AdresKoresp", party.correspondence)
        + _contacts(party.contacts)
        + _role(party)
        + optional("Udzial", None if party.share is None else plain(party.share))
        + optional("NrKlienta", party.customer_no)
        + "</Podmiot3>"
    )


def authorised_party(party: AuthorisedParty) -> str:
    """PodmiotUpowazniony."""
    return (
        "<PodmiotUpowazniony>"
        + optional("NrEORI", party.eori)
        + _nip_and_name(party.nip, party.name)
        + _address("Adres", party.address)
        + _address("AdresKoresp", party.correspondence)
        + _contacts(party.contacts, suffix="PU")
        + element("RolaPU", party.role)
        + "</PodmiotUpowazniony>"
    )


def seller_before(party: SellerBefore) -> str:
    """Podmiot1K."""
    content = (
        _prefix(party.eu_prefix) + _nip_and_name(party.nip, party.name) + _address("Adres", party.address)
    )
    return group("Podmiot1K", content)


def buyer_before(party: BuyerBefore) -> str:
    """Podmiot2K."""
    content = _identity(party, party.name) + _address("Adres", party.address)
    return group("Podmiot2K", content + optional("IDNabywcy", party.buyer_key))


def _prefix(eu_prefix: bool) -> str:
    return "<PrefiksPodatnika>PL</PrefiksPodatnika>" if eu_prefix else ""


def _nip_and_name(nip: str, name: str) -> str:
    return group("DaneIdentyfikacyjne", element("NIP", nip) + element("Nazwa", name))


def _identity(party: Identified, name: str | None, *, internal_id: str | None = None) -> str:
    if party.nip is not None:
        number = element("NIP", party.nip)
    elif internal_id is not None:
        number = element("IDWew", internal_id)
    elif party.vat_eu is not None:
        number = _vat_eu(party.vat_eu)
    elif party.other_id is not None:
        number = optional("KodKraju", party.other_id.country) + element("NrID", party.other_id.number)
    else:
        number = flag("BrakID", True)
    return group("DaneIdentyfikacyjne", number + optional("Nazwa", name))


def _vat_eu(vat: VatEu) -> str:
    prefix = _VAT_PREFIXES.get(vat.country, vat.country)
    number = vat.number.upper().translate(_SEPARATORS)
    number = number.removeprefix(vat.country).removeprefix(prefix)
    if prefix == "PL" and is_nip(number):
        return element("NIP", number)
    return element("KodUE", prefix) + element("NrVatUE", number)


_SEPARATORS = str.maketrans("", "", " -./")


def _address(tag: str, address: Address | None) -> str:
    if address is None:
        return ""
    content = element("KodKraju", address.country) + element("AdresL1", address.line1)
    return group(tag, content + optional("AdresL2", address.line2) + optional("GLN", address.gln))


def _contacts(contacts: Sequence[Contact], *, suffix: str = "") -> str:
    return "".join(
        group(
            "DaneKontaktowe", optional(f"Email{suffix}", one.email) + optional(f"Telefon{suffix}", one.phone)
        )
        for one in contacts
    )


def _role(party: ThirdParty) -> str:
    if party.role is not None:
        return element("Rola", party.role)
    return flag("RolaInna", True) + optional("OpisRoli", party.role_text)
