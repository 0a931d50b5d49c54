"""Generated canonical invoices (Hypothesis) of kinds VAT and KOR: everything optional present or absent."""

import re
from datetime import date
from typing import Any

from hypothesis import strategies as st

from contracts.invoice.rates import RATE_CODES

Strategy = st.SearchStrategy[Any]

NIPS = st.sampled_from(["5265877635", "1111111111", "6511153259"])
DAYS = st.dates(min_value=date(2016, 7, 1), max_value=date(2049, 12, 31)).map(date.isoformat)
COUNTRIES = st.sampled_from(["PL", "DE", "FR", "US", "GB", "GR", "XI"])
COUNTERPARTS = st.sampled_from(["DE", "FR", "GR", "AT", "XI"])
EXEMPTION = {"basis": "act", "text": "art. 43 ust. 1"}

_LETTERS = "aąbćXŻ0129 .,;:'\"&<>/%-–€§ß\u00a0😀"


def texts(longest: int) -> Strategy:
    """Texts with markup, Polish letters, blanks and emoji; never blank."""
    return st.text(_LETTERS, min_size=1, max_size=min(longest // 2, 40)).filter(
        lambda text: bool(re.search(r"[^\s]", text))
    )


def amounts(*, places: int = 2, least: int = -1_000_000, most: int = 1_000_000) -> Strategy:
    """Amounts as texts, numbers or whole numbers."""
    decimals = st.decimals(least, most, places=places, allow_nan=False, allow_infinity=False)
    return decimals.map("{:f}".format) | decimals | st.integers(least, most)


def optional(**fields: Strategy) -> Strategy:
    """Objects with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


def objects(required: dict[str, Strategy], **fields: Strategy) -> Strategy:
    """Objects with the required and any of the other fields."""
    return st.fixed_dictionaries(required, optional=fields)


ADDRESSES = objects({"country": COUNTRIES, "line1": texts(512)}, line2=texts(512), gln=texts(13))
CONTACTS = st.lists(optional(email=st.just("a@b.example"), phone=texts(16)), max_size=3)
NOTES = st.lists(objects({"key": texts(256), "value": texts(256)}), max_size=3)

IDENTITIES = st.one_of(
    st.fixed_dictionaries({"nip": NIPS}),
    st.fixed_dictionaries(
        {"vat_eu": st.fixed_dictionaries({"country": COUNTERPARTS, "number": st.just("123-456-789")})}
    ),
    st.fixed_dictionaries({"other_id": objects({"number": texts(50)}, country=COUNTRIES)}),
    st.just({"no_id": True}),
)
PARTIES = optional(
    name=texts(512),
    address=ADDRESSES,
    correspondence=ADDRESSES,
    contacts=CONTACTS,
    eori=texts(256),
    customer_no=texts(256),
    buyer_key=texts(32),
)
BUYERS = st.builds(
    lambda *parts: {key: value for part in parts for key, value in part.items()},
    IDENTITIES,
    PARTIES,
    optional(local_gov=st.booleans(), vat_group=st.booleans()),
)
THIRD_PARTIES = st.builds(
    lambda *parts: {key: value for part in parts for key, value in part.items()},
    IDENTITIES | st.just({"internal_id": "1111111111-12343"}),
    PARTIES,
    st.fixed_dictionaries({"role": st.integers(1, 11)}) | st.fixed_dictionaries({"role_text": texts(256)}),
    optional(share=amounts(places=6, least=0, most=100)),
)

QUANTITIES = amounts(places=6, least=-1000, most=1000)
PRICES = amounts(places=8, least=0, most=10_000)
PRICED = st.one_of(
    st.fixed_dictionaries({"net": amounts()}),
    st.fixed_dictionaries({"gross": amounts()}),
    objects({"qty": QUANTITIES, "net_price": PRICES}, discount=PRICES),
    objects({"qty": QUANTITIES, "gross_price": PRICES}, discount_per_unit=PRICES),
)
DESCRIBED = objects(
    {"name": texts(512), "rate": st.sampled_from(RATE_CODES)},
    no=st.integers(1, 10_000),
    uid=texts(50),
    sku=texts(50),
    gtin=texts(20),
    pkwiu=texts(50),
    cn=texts(50),
    pkob=texts(50),
    unit=texts(256),
    annex15=st.booleans(),
    excise=amounts(least=0),
    gtu=st.integers(1, 13),
    procedure=st.sampled_from(["WSTO_EE", "IED", "TT_D", "I_42", "B_SPV"]),
    po=objects({"number": texts(200)}, item=texts(50)),
    delivery_note=texts(256),
    notes=NOTES,
)


def lines(*states: str) -> Strategy:
    """Lines with a value and a rate, in one of the states."""
    return st.builds(
        lambda *parts: {key: value for part in parts for key, value in part.items()},
        DESCRIBED,
        PRICED,
        st.fixed_dictionaries({"state": st.sampled_from(states)}),
    )


METHODS = st.sampled_from(["cash", "card", "transfer"]) | st.fixed_dictionaries({"other": texts(256)})
PAYMENTS = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"status": st.just("paid"), "paid_on": DAYS}),
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(["partly", "paid_in_parts"]),
            "parts": st.lists(
                objects({"amount": amounts(), "date": DAYS}, method=METHODS), min_size=1, max_size=3
            ),
        }
    ),
)
PAYMENT_DETAILS = optional(
    terms=st.lists(optional(date=DAYS), max_size=3),
    method=METHODS,
    accounts=st.lists(
        objects({"number": st.just("73 1111 1111 1111 1111 1111 1111")}, bank=texts(256)), max_size=2
    ),
    discount=st.fixed_dictionaries({"conditions": texts(256), "amount": texts(256)}),
)
CHARGES = st.lists(st.fixed_dictionaries({"amount": amounts(), "reason": texts(256)}), max_size=3)

SURROUNDINGS = optional(
    issue_place=texts(256),
    supply=st.fixed_dictionaries({"date": DAYS}) | st.fixed_dictionaries({"from": DAYS, "to": DAYS}),
    delivery_notes=st.lists(texts(256), max_size=3),
    third_parties=st.lists(THIRD_PARTIES, max_size=3),
    notes=NOTES,
    payment=st.builds(lambda a, b: a | b, PAYMENTS, PAYMENT_DETAILS),
    settlement=optional(charges=CHARGES, deductions=CHARGES, total_due=amounts()),
    terms=optional(
        contracts=st.lists(optional(number=texts(256), date=DAYS), max_size=2),
        orders=st.lists(optional(number=texts(256), date=DAYS), max_size=2),
        batches=st.lists(texts(256), max_size=2),
        incoterms=texts(256),
        intermediary=st.booleans(),
    ),
    footer=optional(texts=st.lists(texts(3500), max_size=3)),
    flags=optional(receipt=st.booleans(), related=st.booleans(), excise_refund=st.booleans()),
)
CURRENCIES = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {
            "currency": st.sampled_from(["EUR", "USD", "HUF"]),
            "fx": st.fixed_dictionaries({"rate": st.decimals("0.000001", 1000, places=6).map("{:f}".format)}),
        }
    ),
)
ORIGINALS = st.lists(
    st.builds(
        lambda *parts: {key: value for part in parts for key, value in part.items()},
        st.fixed_dictionaries({"number": texts(256), "issue_date": DAYS}),
        st.just({"outside_ksef": True}) | st.just({"ksef_number": "5265877635-20261005-0100001AF629-AF"}),
    ),
    min_size=1,
    max_size=3,
)
CORRECTIONS = objects(
    {"originals": ORIGINALS},
    reason=texts(256),
    effect=st.integers(1, 3),
    period=texts(256),
    correct_number=texts(256),
    buyers_before=st.lists(IDENTITIES, max_size=2),
)


def _invoice(kind: str, own: dict[str, Any], *parts: dict[str, Any]) -> dict[str, Any]:
    common = {
        "model": "invoice/1",
        "kind": kind,
        "seller": {"nip": "5265877635"},
        "annotations": {"exemption": EXEMPTION},
    }
    return {key: value for part in (common, own, *parts) for key, value in part.items()}


def _document(kind: str, own: Strategy) -> Strategy:
    heading = st.fixed_dictionaries({"number": texts(256), "issue_date": DAYS, "buyer": BUYERS})
    return st.builds(_invoice, st.just(kind), own, heading, SURROUNDINGS, CURRENCIES)


BASIC_INVOICES = _document(
    "VAT", st.fixed_dictionaries({"lines": st.lists(lines("normal"), min_size=1, max_size=8)})
)
CORRECTING_INVOICES = _document(
    "KOR",
    st.fixed_dictionaries(
        {
            "correction": CORRECTIONS,
            "lines": st.lists(lines("before", "after", "delta", "normal"), min_size=1, max_size=8),
        }
    ),
)
INVOICES = BASIC_INVOICES | CORRECTING_INVOICES
