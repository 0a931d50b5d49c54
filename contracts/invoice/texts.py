"""Texts of ``invoice/1``: stripped, white space collapsed, free of every character that XML or KSeF refuses.

Invariant: a text that passed can be written into FA(3) with nothing but markup escaped.
"""

import re
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core import core_schema as cs

from contracts.invoice.judging import either, is_blank, judged_by
from contracts.wording import Wording

_PLANES = range(1, 17)
_NO_FORM = Wording("", "")

# Illegal in XML 1.0, or refused by KSeF as discouraged (KSeF API 2.9, verification of an invoice).
refused_character = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    + "".join(rf"\U{plane:04x}fffe\U{plane:04x}ffff" for plane in _PLANES)
    + "]"
).search

# The native engine writes code points as \x{…} and meets no surrogates. Zero-width characters go to the
# judge, because a text of nothing else is blank.
_WORD = (
    r"[^\s\x00-\x1f\x7f-\x9f\x{200b}-\x{200d}\x{2060}\x{feff}\x{fdd0}-\x{fdef}\x{fffe}\x{ffff}"
    + "".join(rf"\x{{{plane:x}fffe}}\x{{{plane:x}ffff}}" for plane in _PLANES)
    + "]+"
)
_TIDY = f"^{_WORD}(?: {_WORD})*$"


def _without_refused(text: str) -> str:
    if found := refused_character(text):
        code = f"U+{ord(found.group()):04X}"
        raise PydanticCustomError("character", "holds the character {code}", {"code": code})
    return text


def _fitting(text: str, *, longest: int) -> str:
    if is_blank(text):
        raise PydanticCustomError("blank", "is blank")
    if len(text) > longest:
        context = {"longest": longest, "length": len(text)}
        raise PydanticCustomError("text_length", "has {length} characters, at most {longest} fit", context)
    return text


@dataclass(frozen=True, slots=True)
class Text:
    """A text of 1 to ``longest`` characters, counted after collapsing.

    ``pattern`` must match the collapsed text, ``form`` says so in words. ``numbers`` lets whole numbers in as
    well: identifiers that an ERP may keep as numbers.
    """

    longest: int
    pattern: str | None = None
    form: Wording = _NO_FORM
    numbers: bool = False

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        tidy = cs.str_schema(pattern=self.pattern or _TIDY, max_length=self.longest, strict=True)
        return either(tidy, judged_by(self._judge))

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        text: JsonSchemaValue = {"type": "string", "minLength": 1, "maxLength": self.longest}
        if self.pattern:
            text["pattern"] = self.pattern
        return {"anyOf": [text, {"type": "integer"}]} if self.numbers else text

    def _judge(self, value: object) -> str:
        if self.numbers and type(value) is int and abs(value) < 10**self.longest:
            value = str(value)
        if not isinstance(value, str):
            raise PydanticCustomError("text", "is not a text")
        # Before collapsing: split() would swallow U+001C to U+001F as if they were white space.
        text = " ".join(_without_refused(value).split())
        if self.pattern and not is_blank(text) and not re.search(self.pattern, text):
            context = {"form": self.form.en, "form_pl": self.form.pl}
            raise PydanticCustomError("text_form", "is not {form}", context)
        return _fitting(text, longest=self.longest)


@dataclass(frozen=True, slots=True)
class Prose:
    """A text of 1 to ``longest`` characters whose line breaks stay: FA(3) keeps them in the footer only."""

    longest: int

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return judged_by(self._judge)

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "minLength": 1, "maxLength": self.longest}

    def _judge(self, value: object) -> str:
        if not isinstance(value, str):
            raise PydanticCustomError("text", "is not a text")
        # An XML parser turns carriage returns into line feeds: what is read back must be what was written.
        text = _without_refused(value).replace("\r\n", "\n").replace("\r", "\n")
        return _fitting(text.strip(), longest=self.longest)


Text20: TypeAlias = Annotated[str, Text(20)]
Text32: TypeAlias = Annotated[str, Text(32)]
Text50: TypeAlias = Annotated[str, Text(50)]
Text256: TypeAlias = Annotated[str, Text(256)]
Text512: TypeAlias = Annotated[str, Text(512)]
Identifier50: TypeAlias = Annotated[str, Text(50, numbers=True)]

NipText: TypeAlias = Annotated[
    str,
    Text(
        10,
        pattern="^[1-9][0-9]{9}$",
        form=Wording(
            "a NIP: ten digits without dashes, blanks or PL",
            "NIP: dziesięć cyfr bez kresek, odstępów i liter PL",
        ),
    ),
]
CountryCode: TypeAlias = Annotated[
    str,
    Text(
        2,
        pattern="^[A-Z]{2}$",
        form=Wording(
            "a country code: two capital letters, such as PL",
            "kod kraju: dwie wielkie litery, np. PL",
        ),
    ),
]
CurrencyCode: TypeAlias = Annotated[
    str,
    Text(
        3,
        pattern="^[A-Z]{3}$",
        form=Wording(
            "a currency code: three capital letters, such as PLN",
            "kod waluty: trzy wielkie litery, np. PLN",
        ),
    ),
]
