"""What the types of the schema stand for, in words.

Invariant: a form says what to write, never the pattern: worded to follow "is not", in Polish
"oczekiwane:".
"""

from typing import Final

from contracts.wording import Wording

_AMOUNT: Final = Wording(
    "an amount with at most 16 digits before and 2 after the point, such as 1234.56",
    "kwota mająca najwyżej 16 cyfr przed kropką i 2 po niej, np. 1234.56",
)
_PRICE: Final = Wording(
    "a number with at most 14 digits before and 8 after the point",
    "liczba mająca najwyżej 14 cyfr przed kropką i 8 po niej",
)
_QUANTITY: Final = Wording(
    "a number with at most 16 digits before and 6 after the point",
    "liczba mająca najwyżej 16 cyfr przed kropką i 6 po niej",
)
_NIP: Final = Wording("a NIP: ten digits", "NIP: dziesięć cyfr")
_DAY: Final = Wording("a day written as YYYY-MM-DD", "data w postaci RRRR-MM-DD")
_MOMENT: Final = Wording("a point in time such as 2026-11-20T09:15:00Z", "chwila, np. 2026-11-20T09:15:00Z")
_KSEF_NUMBER: Final = Wording("a KSeF number", "numer KSeF")
_WHOLE: Final = Wording("a whole number", "liczba całkowita")

FORM_OF_TYPE: Final = {
    "TKwotowy": _AMOUNT,
    "TKwotowy2": _PRICE,
    "TIlosci": _QUANTITY,
    "TProcentowy": Wording(
        "a percentage from 0 to 100 with at most 6 decimals",
        "procent od 0 do 100 z najwyżej 6 cyframi po kropce",
    ),
    "TNaturalny": Wording("a whole number from 1", "liczba całkowita od 1"),
    "TDataT": _DAY,
    "TData": _DAY,
    "TDataU": _DAY,
    "TDataCzas": _MOMENT,
    "TWybor1": Wording("1", "1"),
    "TWybor1_2": Wording("1 (yes) or 2 (no)", "1 (tak) albo 2 (nie)"),
    "decimal": Wording("a number", "liczba"),
    "integer": _WHOLE,
    "byte": _WHOLE,
    "date": _DAY,
    "dateTime": _MOMENT,
}
"""By the local name of the type, as libxml2 and xmlschema give it."""

FORM_OF_PATTERN: Final = {
    r"-?([1-9]\d{0,15}|0)(\.\d{1,2})?": _AMOUNT,
    r"-?([1-9]\d{0,13}|0)(\.\d{1,8})?": _PRICE,
    r"-?([1-9]\d{0,15}|0)(\.\d{1,6})?": _QUANTITY,
    r"[1-9]((\d[1-9])|([1-9]\d))\d{7}": _NIP,
    r"[1-9]((\d[1-9])|([1-9]\d))\d{7}-\d{5}": Wording(
        "an internal id: NIP, dash, five digits", "identyfikator wewnętrzny: NIP, kreska, pięć cyfr"
    ),
    r"((\d{4})-(\d{2})-(\d{2}))": _DAY,
    r"(\d|[A-Z]|\+|\*){1,12}": Wording(
        "a VAT number: up to twelve digits and capital letters, without the country",
        "numer VAT: najwyżej dwanaście cyfr i wielkich liter, bez kodu kraju",
    ),
    r"(.)+@(.)+": Wording("an e-mail address", "adres e-mail"),
    r"\d{10}": Wording("ten digits", "dziesięć cyfr"),
    r"\d{9}": Wording("nine digits", "dziewięć cyfr"),
    r"\d{14}": Wording("fourteen digits", "czternaście cyfr"),
    r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3}){0,1}": Wording(
        "a SWIFT code of 8 or 11 capital letters and digits", "kod SWIFT: 8 lub 11 wielkich liter i cyfr"
    ),
    r"[0-9]{3}[a-zA-Z0-9]{10}": Wording(
        "a payment id: three digits and ten letters or digits",
        "identyfikator płatności: trzy cyfry i dziesięć liter lub cyfr",
    ),
}
"""By the text of the pattern; a pattern that is not here goes with ``FORM_OF_ELEMENT``."""

FORM_OF_ELEMENT: Final = {
    "NrKSeFFaKorygowanej": _KSEF_NUMBER,
    "NrKSeFFaZaliczkowej": _KSEF_NUMBER,
    "LinkDoPlatnosci": Wording(
        "a web address whose query carries IPKSeF", "adres strony z parametrem IPKSeF"
    ),
    "KRS": Wording("a KRS number: ten digits", "numer KRS: dziesięć cyfr"),
    "REGON": Wording("a REGON: nine or fourteen digits", "REGON: dziewięć lub czternaście cyfr"),
}
