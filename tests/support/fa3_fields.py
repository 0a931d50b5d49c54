"""Every single field of ``invoice/1``, with two values and an invoice around it.

The model is walked, so a field added later is found without anybody thinking of it: it gets its
surroundings here, or the test fails.
"""

import types
from collections.abc import Iterator
from copy import deepcopy
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from contracts.invoice import Invoice
from contracts.invoice.amounts import Amount, Whole
from contracts.invoice.moments import CalendarDay, PointInTime
from contracts.invoice.texts import Prose, Text
from tests.support.fa3_samples import LINE, ORIGINAL, correction_fields, fields

ADDRESS = {"country": "PL", "line1": "Rynek 3"}
PERSON = {"nip": "1111111111", "name": "Osoba", "address": ADDRESS}
NOTE = {"key": "Klucz", "value": "Wartość"}
ITEM = {"name": "Towar"}

VALUES_BY_PATTERN: dict[str, tuple[str, str]] = {
    "^[1-9][0-9]{9}$": ("1111111111", "5265877635"),
    "^[A-Z]{2}$": ("PL", "DE"),
    "^[A-Z]{3}$": ("EUR", "USD"),
    "^[1-9][0-9]{9}-[0-9]{5}$": ("1111111111-11111", "1111111111-22222"),
    "^.+@.+$": ("a@b.example", "c@d.example"),
    "^[0-9]{10}$": ("0000000001", "0000000002"),
    "^(?:[0-9]{9}|[0-9]{14})$": ("123456789", "987654321"),
    "^[^ ]{10,34}$": ("73111111111111111111111111", "DE89370400440532013000"),
    "^[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?$": ("ABCDPLPW", "DCBAPLPW"),
    "^[0-9]{3}[a-zA-Z0-9]{10}$": ("123ABCDEFGHIJ", "321ABCDEFGHIJ"),
}
KSEF_NUMBERS = ("5265877635-20261005-0100001AF629-AF", "5265877635-20261006-0100001AF629-AF")

# What the part at a path needs beside the field in question.
SURROUNDINGS: dict[str, dict[str, Any]] = {
    "buyer": {"nip": "1111111111"},
    "third_parties[]": {"nip": "1111111111", "role": 2},
    "authorised": PERSON | {"role": 1},
    "seller.address": ADDRESS,
    "annotations.exemption": {"basis": "act", "text": "art. 43"},
    "annotations.new_vehicles.items[]": {"first_use": "2026-01-01", "line": 1, "vessel": {"hours": "1"}},
    "annotations.new_vehicles.items[].land": {"mileage": "1"},
    "annotations.new_vehicles": {
        "items": [{"first_use": "2026-01-01", "line": 1, "vessel": {"hours": "1"}}],
    },
    "lines[]": LINE,
    "lines[].po": {"number": "45"},
    "lines[].notes[]": NOTE,
    "notes[]": NOTE,
    "totals.rates[]": {"rate": "23", "net": "1"},
    "fx": {"rate": "4.5"},
    "correction.originals[]": ORIGINAL,
    "correction.seller_before": PERSON,
    "correction.buyers_before[]": {"nip": "1111111111"},
    "advance.payments[]": {"date": "2026-01-01", "amount": "1"},
    "advance.invoices[]": {"number": "1", "outside_ksef": True},
    "order.lines[]": ITEM,
    "settlement.charges[]": {"amount": "1", "reason": "x"},
    "settlement.deductions[]": {"amount": "1", "reason": "x"},
    "payment.parts[]": {"amount": "1", "date": "2026-11-01"},
    "payment.terms[]": {"count": 1, "unit": "dni", "event": "dostawa"},
    "payment.accounts[]": {"number": "73111111111111111111111111"},
    "payment.factor_accounts[]": {"number": "73111111111111111111111111"},
    "payment.discount": {"conditions": "x", "amount": "1"},
    "terms.contract_rate": {"rate": "4.5", "currency": "EUR"},
    "terms.transports[]": {"mode": 1, "cargo": 1},
    "terms.transports[].carrier": {"nip": "1111111111", "address": ADDRESS},
    "supply": {},
    "attachment.blocks[]": {"meta": [NOTE]},
    "attachment.blocks[].meta[]": NOTE,
    "attachment.blocks[].tables[]": {"columns": [{"type": "txt"}], "rows": [["x"]]},
    "attachment.blocks[].tables[].meta[]": NOTE,
    "attachment.blocks[].tables[].columns[]": {"type": "txt"},
}
"""By the path of the part; parts of the same make (``address``) are found by their last step."""

BY_LAST_STEP: dict[str, dict[str, Any]] = {
    "address": ADDRESS,
    "correspondence": ADDRESS,
    "from": ADDRESS,
    "to": ADDRESS,
    "via[]": ADDRESS,
    "vat_eu": {"country": "DE", "number": "123456789"},
    "other_id": {"number": "X-1"},
}

# Fields whose own kind of invoice or neighbours differ from the rule above.
EXCLUSIVE = {
    "nip": {"vat_eu", "other_id", "no_id", "internal_id"},
    "vat_eu": {"nip"},
    "other_id": {"nip"},
    "no_id": {"nip"},
    "internal_id": {"nip"},
    "role_text": {"role"},
    "gross": {"net"},
    "net_price": {"net"},
    "gross_price": {"net"},
    "qty": {"net"},
    "outside_ksef": {"ksef_number"},
    "mode_text": {"mode"},
    "cargo_text": {"cargo"},
    "aircraft": {"vessel"},
    "land": {"vessel"},
}
REQUIRED = {
    "lines[].net_price": {"qty": "3"},
    "lines[].gross_price": {"qty": "3"},
    "lines[].qty": {"net_price": "3"},
    "lines[].discount_per_unit": {"qty": "3"},
    "payment.paid_on": {"status": "paid"},
    "supply.from": {"to": "2026-12-31"},
    "supply.to": {"from": "2026-01-01"},
}


def _attached(rows: list[list[str]]) -> dict[str, Any]:
    return fields(
        attachment={"blocks": [{"meta": [NOTE], "tables": [{"columns": [{"type": "txt"}], "rows": rows}]}]}
    )


_AIRCRAFT = {"first_use": "2026-01-01", "line": 1}
_OUTSIDE = {"number": ORIGINAL["number"], "issue_date": ORIGINAL["issue_date"], "outside_ksef": True}
_PART = {"amount": "1", "date": "2026-11-01"}

# Fields whose values need different neighbours: two invoices that differ in nothing else.
PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "buyer.no_id": (fields(buyer={"other_id": {"number": "1"}}), fields(buyer={"no_id": True})),
    "third_parties[].no_id": (
        fields(third_parties=[{"nip": "1111111111", "role": 2}]),
        fields(third_parties=[{"no_id": True, "role": 2}]),
    ),
    "correction.buyers_before[].no_id": (
        correction_fields(correction={"originals": [ORIGINAL], "buyers_before": [{"nip": "1111111111"}]}),
        correction_fields(correction={"originals": [ORIGINAL], "buyers_before": [{"no_id": True}]}),
    ),
    "correction.originals[].outside_ksef": (
        correction_fields(correction={"originals": [ORIGINAL]}),
        correction_fields(correction={"originals": [_OUTSIDE]}),
    ),
    "terms.transports[].carrier.no_id": (
        fields(
            terms={"transports": [{"mode": 1, "cargo": 1, "carrier": {"no_id": True, "address": ADDRESS}}]}
        ),
        fields(terms={"transports": [{"mode": 1, "cargo": 1, "carrier": PERSON}]}),
    ),
    "advance.invoices[].ksef_number": (
        fields(advance={"invoices": [{"ksef_number": KSEF_NUMBERS[0]}]}),
        fields(advance={"invoices": [{"ksef_number": KSEF_NUMBERS[1]}]}),
    ),
    "advance.invoices[].outside_ksef": (
        fields(advance={"invoices": [{"number": "1", "outside_ksef": True}]}),
        fields(advance={"invoices": [{"ksef_number": KSEF_NUMBERS[1]}]}),
    ),
    "payment.status": (
        fields(payment={"status": "partly", "parts": [_PART]}),
        fields(payment={"status": "paid_in_parts", "parts": [_PART]}),
    ),
    "currency": (
        fields(currency="EUR", fx={"rate": "4.5"}),
        fields(currency="USD", fx={"rate": "4.5"}),
    ),
    "lines[].state": (
        correction_fields(lines=[LINE | {"state": "before"}]),
        correction_fields(lines=[LINE | {"state": "after"}]),
    ),
    "annotations.reverse_charge": (fields(), fields(annotations={"reverse_charge": True})),
    "annotations.split_payment": (fields(), fields(annotations={"split_payment": True})),
    "annotations.new_vehicles.items[].aircraft.serial": (
        fields(annotations={"new_vehicles": {"items": [_AIRCRAFT | {"aircraft": {"hours": "1"}}]}}),
        fields(
            annotations={"new_vehicles": {"items": [_AIRCRAFT | {"aircraft": {"hours": "1", "serial": "2"}}]}}
        ),
    ),
    "attachment.blocks[].tables[].rows[][]": (_attached([["1"]]), _attached([["2"]])),
}


def leaves(part: type[BaseModel] = Invoice, path: str = "") -> Iterator[tuple[str, Any]]:
    """Path and annotation of every field that holds a value, not a part."""
    for name, info in part.model_fields.items():
        annotation = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
        yield from _leaves_of(annotation, f"{path}.{info.alias or name}".removeprefix("."))


def _leaves_of(annotation: Any, path: str) -> Iterator[tuple[str, Any]]:
    element = _element(annotation)
    if element is not None:
        yield from _leaves_of(element, f"{path}[]")
    elif model := _model(annotation):
        yield from leaves(model, path)
    else:
        yield path, annotation


def _element(annotation: Any) -> Any:
    """The annotation of a list's elements."""
    if get_origin(annotation) is Annotated:
        return _element(get_args(annotation)[0])
    return get_args(annotation)[0] if get_origin(annotation) is tuple else None


def _model(annotation: Any) -> type[BaseModel] | None:
    """The part that an annotation stands for, unless a plain value may stand there too."""
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, BaseModel) else None
    if get_origin(annotation) is Annotated:
        return _model(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        options = [option for option in get_args(annotation) if option is not type(None)]
        return _model(options[0]) if len(options) == 1 else None
    return None


def two_values(annotation: Any, path: str) -> tuple[Any, Any]:
    """Two different values for a field."""
    if path.endswith("ksef_number"):
        return KSEF_NUMBERS
    if path.endswith("link"):
        return "https://a.example/?IPKSeF=123ABCDEFGHIJ", "https://b.example/?IPKSeF=123ABCDEFGHIJ"
    for marker in _markers(annotation):
        match marker:
            case Text(pattern=str() as pattern):
                return VALUES_BY_PATTERN[pattern]
            case Text() | Prose():
                return "1", "2"
            case Amount() | Whole():
                return 1, 2
            case CalendarDay():
                return "2026-11-01", "2026-11-02"
            case PointInTime():
                return "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"
    options = list(_literals(annotation))
    return (options[-1], options[-2]) if len(options) > 1 else (False, True)


def _markers(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        inner, *markers = get_args(annotation)
        yield from _markers(inner)
        yield from markers
    elif get_origin(annotation) in (Union, types.UnionType):
        for option in get_args(annotation):
            yield from _markers(option)


def _literals(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif get_origin(annotation) is Annotated:
        yield from _literals(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for option in get_args(annotation):
            yield from _literals(option)


def two_invoices(path: str, annotation: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two invoices that differ in the field at ``path``."""
    if path in PAIRS:
        return PAIRS[path]
    first, second = two_values(annotation, path)
    return invoice_with(path, first), invoice_with(path, second)


def invoice_with(path: str, value: Any) -> dict[str, Any]:
    """An invoice of a fitting kind in which the field at ``path`` has the value."""
    document = _document_for(path)
    part = document
    steps = path.split(".")
    for depth, step in enumerate(steps[:-1], 1):
        part = _entered(part, step, ".".join(steps[:depth]))
    name = steps[-1]
    for excluded in EXCLUSIVE.get(name.removesuffix("[]"), set()):
        part.pop(excluded, None)
    part.update(REQUIRED.get(path, {}))
    part[name.removesuffix("[]")] = [value] if name.endswith("[]") else value
    return document


def _document_for(path: str) -> dict[str, Any]:
    if path.startswith("payment.parts"):
        return fields(payment={"status": "partly"})
    if path.startswith("correction"):
        return correction_fields()
    if path.endswith("fx_rate") or path.startswith("fx.") or path == "totals.rates[].vat_pln":
        return fields(currency="EUR", fx={"rate": "4.5"})
    return fields()


def _entered(part: dict[str, Any], step: str, path: str) -> dict[str, Any]:
    name, is_list = step.removesuffix("[]"), step.endswith("[]")
    for excluded in EXCLUSIVE.get(name, set()):
        part.pop(excluded, None)
    surroundings = deepcopy(SURROUNDINGS.get(path) or BY_LAST_STEP.get(step, {}))
    if is_list:
        part[name] = [surroundings]
        return surroundings
    entered: dict[str, Any] = {**surroundings, **part.get(name, {})} if path != "supply" else surroundings
    part[name] = entered
    return entered
