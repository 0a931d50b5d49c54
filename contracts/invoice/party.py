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

InternalId: TypeAlias = Annotated[
    str, Text(16, pattern="^[1-9][0-9]{9}-[0-9]{5}$", form="an internal id: NIP, dash, five digits")
]
Email: TypeAlias = Annotated[str, Text(255, pattern="^.+@.+$", form="an e-mail address")]
Phone: TypeAlias = Annotated[str, Text(16)]
Gln: TypeAlias = Annotated[str, Text(13)]


class Address(Part):
    """An address of two free lines; ``country`` is ISO 3166 (Greece is ``GR`` here)."""

    country: CountryCode
    line1: Text512
    line2: Opt[Text512] = None
    gln: Opt[Gln] = None


class Contact(Part):
    """An e-mail address, a telephone number, or both."""

    email: Opt[Email] = None
    phone: Opt[Phone] = None


Contacts: TypeAlias = Annotated[Many[Contact], UpTo(3)]


class VatEu(Part):
    """A VAT number of an EU company: the country and the number without its prefix."""

    country: CountryCode
    number: Text32


class OtherId(Part):
    """A tax number that is neither Polish nor a VAT number of the EU."""

    country: Opt[CountryCode] = None
    number: Text50


class Seller(Part):
    """The seller. Everything but ``nip`` may be left to the company's master data.

    ``eu_prefix`` puts PL before the NIP; absent, it follows from the rates (intra-EU supply of goods,
    services of art. 100(1)(4)). ``status``: 1 liquidation, 2 restructuring, 3 bankruptcy, 4 inherited
    enterprise.
    """

    nip: NipText
    name: Opt[Text512] = None
    address: Address | None = None
    correspondence: Address | None = None
    contacts: Contacts = ()
    eori: Opt[Text256] = None
    eu_prefix: Opt[StrictBool] = None
    status: Opt[Annotated[int, Whole(1, 4)]] = None


class Identified(Part):
    """A party known by a Polish NIP, a VAT number of the EU, another tax number, or no number."""

    nip: Opt[NipText] = None
    vat_eu: VatEu | None = None
    other_id: OtherId | None = None
    no_id: Flag = False

    @model_validator(mode="after")
    def _is_identified_once(self) -> Self:
        exactly_one(self, "nip", "vat_eu", "other_id", "no_id")
        return self


class OtherParty(Identified):
    """What a buyer and a third party have in common."""

    name: Opt[Text512] = None
    address: Address | None = None
    correspondence: Address | None = None
    contacts: Contacts = ()
    eori: Opt[Text256] = None
    customer_no: Opt[Text256] = None
    buyer_key: Opt[Text32] = None
    """Joins the party with its former data on a correction (FA(3) IDNabywcy)."""


class Buyer(OtherParty):
    """The buyer.

    ``local_gov``: the purchase concerns a subordinate unit of local government (FA(3) JST); ``vat_group``: a
    member of a VAT group (FA(3) GV).
    """

    local_gov: Flag = False
    vat_group: Flag = False


class ThirdParty(OtherParty):
    """Another party, with its role.

    ``role``: 1 factor, 2 recipient, 3 original entity, 4 additional buyer, 5 issuer, 6 payer, 7 and 8 unit of
    local government as issuer and recipient, 9 and 10 member of a VAT group as issuer and recipient, 11
    employee; any other role in words as ``role_text``. ``share`` is the percentage of an additional buyer.
    """

    internal_id: Opt[InternalId] = None
    role: Opt[Annotated[int, Whole(1, 11)]] = None
    role_text: Opt[Text256] = None
    share: Opt[Percent] = None

    @model_validator(mode="after")
    def _is_identified_once(self) -> Self:
        exactly_one(self, "nip", "vat_eu", "internal_id", "other_id", "no_id")
        exactly_one(self, "role", "role_text")
        return self


class AuthorisedParty(Part):
    """Who acts for the seller. ``role``: 1 enforcement authority, 2 court bailiff, 3 tax representative."""

    nip: NipText
    name: Text512
    address: Address
    correspondence: Address | None = None
    contacts: Contacts = ()
    eori: Opt[Text256] = None
    role: Annotated[int, Whole(1, 3)]


class SellerBefore(Part):
    """The seller as the corrected invoice had it."""

    nip: NipText
    name: Text512
    address: Address
    eu_prefix: Flag = False


class BuyerBefore(Identified):
    """The buyer, or an additional buyer, as the corrected invoice had it."""

    name: Opt[Text512] = None
    address: Address | None = None
    buyer_key: Opt[Text32] = None
