"""What the types of the schema stand for, in words.

Invariant: a form is worded to follow "is not": it says what to write, never the pattern.
"""

from typing import Final

_AMOUNT: Final = "an amount with at most 16 digits before and 2 after the point, such as 1234.56"
_PRICE: Final = "a number with at most 14 digits before and 8 after the point"
_QUANTITY: Final = "a number with at most 16 digits before and 6 after the point"
_NIP: Final = "a NIP: ten digits"
_DAY: Final = "a day written as YYYY-MM-DD"
_MOMENT: Final = "a point in time such as 2026-11-20T09:15:00Z"

FORM_OF_TYPE: Final = {
    "TKwotowy": _AMOUNT,
    "TKwotowy2": _PRICE,
    "TIlosci": _QUANTITY,
    "TProcentowy": "a percentage from 0 to 100 with at most 6 decimals",
    "TNaturalny": "a whole number from 1",
    "TDataT": _DAY,
    "TData": _DAY,
    "TDataU": _DAY,
    "TDataCzas": _MOMENT,
    "TWybor1": "1",
    "TWybor1_2": "1 (yes) or 2 (no)",
    "decimal": "a number",
    "integer": "a whole number",
    "byte": "a whole number",
    "date": _DAY,
    "dateTime": _MOMENT,
}
"""By the local name of the type, as libxml2 and xmlschema give it."""

FORM_OF_PATTERN: Final = {
    r"-?([1-9]\d{0,15}|0)(\.\d{1,2})?": _AMOUNT,
    r"-?([1-9]\d{0,13}|0)(\.\d{1,8})?": _PRICE,
    r"-?([1-9]\d{0,15}|0)(\.\d{1,6})?": _QUANTITY,
    r"[1-9]((\d[1-9])|([1-9]\d))\d{7}": _NIP,
    r"[1-9]((\d[1-9])|([1-9]\d))\d{7}-\d{5}": "an internal id: NIP, dash, five digits",
    r"((\d{4})-(\d{2})-(\d{2}))": _DAY,
    r"(\d|[A-Z]|\+|\*){1,12}": "a VAT number: up to twelve digits and capital letters, without the country",
    r"(.)+@(.)+": "an e-mail address",
    r"\d{10}": "ten digits",
    r"\d{9}": "nine digits",
    r"\d{14}": "fourteen digits",
    r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3}){0,1}": "a SWIFT code of 8 or 11 capital letters and digits",
    r"[0-9]{3}[a-zA-Z0-9]{10}": "a payment id: three digits and ten letters or digits",
}
"""By the text of the pattern; a pattern that is not here goes with ``FORM_OF_ELEMENT``."""

FORM_OF_ELEMENT: Final = {
    "NrKSeFFaKorygowanej": "a KSeF number",
    "NrKSeFFaZaliczkowej": "a KSeF number",
    "LinkDoPlatnosci": "a web address whose query carries IPKSeF",
    "KRS": "a KRS number: ten digits",
    "REGON": "a REGON: nine or fourteen digits",
}
