"""Who takes part: seller, buyer, third parties, authorised party; and who did before a correction.

Invariant: a party is identified in exactly one way. (FA(3) Podmiot1, Podmiot2, Podmiot3, PodmiotUpowazniony,
Podmiot1K, Podmiot2K.)
"""

from typing import Annotated, Self, TypeAlias

from pydantic import StrictBool, model_validator

from contracts.invoice.amounts import Percent, Whole
from contracts.invoice.choices import exactly_one
from contracts.invoice.part import Flag, Many, Opt, Part, UpTo
from contracts.invoice.texts import CountryCode, NipText, Text, Text32, Text50, Text256, Text512
from contracts.wording import Wording

InternalId: TypeAlias = Annotated[
    str,
    Text(
        16,
        pattern="^[1-9][0-9]{9}-[0-9]{5}$",
        form=Wording(
            "an internal id: NIP, dash, five digits", "identyfikator wewnętrzny: NIP, kreska, pięć cyfr"
        ),
    ),
]
Email: TypeAlias = Annotated[
    str, Text(255, pattern="^.+@.+$", form=Wording("an e-mail address", "adres e-mail"))
]
Phone: TypeAlias = Annotated[str, Text(16)]
Gln: TypeAlias = Annotated[str, Text(13)]


class Address(Part):
    """An address of two free lines; ``country`` is ISO 3166 (Greece is ``GR`` here)."""

    country: CountryCode
    """ISO 3166; Greece is ``GR`` here."""
    line1: Text512
    """Street and number, or all of the address."""
    line2: Opt[Text512] = None
    """Postcode and town."""
    gln: Opt[Gln] = None
    """Global location number."""


class Contact(Part):
    """An e-mail address, a telephone number, or both."""

    email: Opt[Email] = None
    """E-mail address."""
    phone: Opt[Phone] = None
    """Telephone number."""


Contacts: TypeAlias = Annotated[Many[Contact], UpTo(3)]


class VatEu(Part):
    """A VAT number of an EU company: the country and the number without its prefix."""

    country: CountryCode
    """The country; Greece is ``GR``, written as EL."""
    number: Text32
    """The number; a prefix is taken off."""


class OtherId(Part):
    """A tax number that is neither Polish nor a VAT number of the EU."""

    country: Opt[CountryCode] = None
    """The country that gave the number."""
    number: Text50
    """The number."""


class Seller(Part):
    """The seller. Everything but ``nip`` may be left to the company's master data."""

    nip: NipText
    """The seller's NIP: the company that issues, unless it is self-billed."""
    name: Opt[Text512] = None
    """Full name."""
    address: Address | None = None
    """Address of the seat."""
    correspondence: Address | None = None
    """Address for letters."""
    contacts: Contacts = ()
    """E-mail addresses and telephone numbers."""
    eori: Opt[Text256] = None
    """EORI number."""
    eu_prefix: Opt[StrictBool] = None
    """Puts PL before the NIP; absent, it follows from the rates (intra-EU supply of goods, services of art.
    100(1)(4))."""
    status: Opt[Annotated[int, Whole(1, 4)]] = None
    """1 liquidation, 2 restructuring, 3 bankruptcy, 4 inherited enterprise."""


class Identified(Part):
    """A party known by a Polish NIP, a VAT number of the EU, another tax number, or no number."""

    nip: Opt[NipText] = None
    """A Polish NIP; only under it does its owner see the invoice in KSeF."""
    vat_eu: VatEu | None = None
    """A VAT number of an EU company."""
    other_id: OtherId | None = None
    """Another tax number."""
    no_id: Flag = False
    """The party has no number."""

    @model_validator(mode="after")
    def _is_identified_once(self) -> Self:
        exactly_one(self, "nip", "vat_eu", "other_id", "no_id")
        return self


class OtherParty(Identified):
    """What a buyer and a third party have in common."""

    name: Opt[Text512] = None
    """Full name."""
    address: Address | None = None
    """Address of the seat."""
    correspondence: Address | None = None
    """Address for letters."""
    contacts: Contacts = ()
    """E-mail addresses and telephone numbers."""
    eori: Opt[Text256] = None
    """EORI number."""
    customer_no: Opt[Text256] = None
    """The customer's number with the seller."""
    buyer_key: Opt[Text32] = None
    """Joins the party with its former data on a correction (FA(3) IDNabywcy)."""


class Buyer(OtherParty):
    """The buyer."""

    local_gov: Flag = False
    """The purchase concerns a subordinate unit of local government."""
    vat_group: Flag = False
    """The buyer is a member of a VAT group."""


class ThirdParty(OtherParty):
    """Another party, with its role."""

    internal_id: Opt[InternalId] = None
    """A unit's id inside a taxpayer: NIP, dash, five digits."""
    role: Opt[Annotated[int, Whole(1, 11)]] = None
    """1 factor, 2 recipient, 3 original entity, 4 additional buyer, 5 issuer, 6 payer, 7 and 8 unit of local
    government as issuer and recipient, 9 and 10 member of a VAT group as issuer and recipient, 11 an
    employee."""
    role_text: Opt[Text256] = None
    """Any other role in words."""
    share: Opt[Percent] = None
    """An additional buyer's share, in percent."""

    @model_validator(mode="after")
    def _is_identified_once(self) -> Self:
        exactly_one(self, "nip", "vat_eu", "internal_id", "other_id", "no_id")
        exactly_one(self, "role", "role_text")
        return self


class AuthorisedParty(Part):
    """Who acts for the seller."""

    nip: NipText
    """Its NIP."""
    name: Text512
    """Full name."""
    address: Address
    """Address of the seat."""
    correspondence: Address | None = None
    """Address for letters."""
    contacts: Contacts = ()
    """E-mail addresses and telephone numbers."""
    eori: Opt[Text256] = None
    """EORI number."""
    role: Annotated[int, Whole(1, 3)]
    """1 enforcement authority, 2 court bailiff, 3 tax representative."""


class SellerBefore(Part):
    """The seller as the corrected invoice had it."""

    nip: NipText
    """The NIP; it cannot be corrected."""
    name: Text512
    """Full name."""
    address: Address
    """Address."""
    eu_prefix: Flag = False
    """PL stood before the NIP."""


class BuyerBefore(Identified):
    """The buyer, or an additional buyer, as the corrected invoice had it."""

    name: Opt[Text512] = None
    """Full name."""
    address: Address | None = None
    """Address."""
    buyer_key: Opt[Text32] = None
    """Joins the former data with the party they belong to."""
