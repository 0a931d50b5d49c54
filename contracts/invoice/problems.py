"""What pydantic refuses, told as findings: code, canonical path, value, a sentence, a next step.

Invariant: the codes are stable; every refusal of the model has one, and a finding shows no more of the
document than the value in question.
"""

import difflib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Annotated, Any, Final, NamedTuple, TypeAlias, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from contracts.findings import Finding
from contracts.invoice.judging import FAST, JUDGE
from contracts.invoice.payment import METHOD_CODES
from contracts.invoice.rates import RATE_CODES
from contracts.invoice.strict_json import LONGEST_NUMBER, OddNumber, Path

Findings: TypeAlias = tuple[Finding, ...]

MOST_FINDINGS: Final = 100
_LONGEST_SHOWN: Final = 80


class _Refusal(NamedTuple):
    code: str
    next_step: str
    says: str = ""
    """A predicate, where pydantic's own message is none; names of the error's context in braces."""
    allowed: tuple[str, ...] = ()


_REFUSALS: Final[dict[str, _Refusal]] = {
    "extra_forbidden": _Refusal("C10", "Remove the field or correct its name.", "is no field of invoice/1"),
    "string_unicode": _Refusal(
        "C10", "Write names of fields as the model has them.", "has a name that is no text"
    ),
    "missing": _Refusal("C11", "Add the field.", "is missing"),
    "blank": _Refusal("C11", "Give it a value."),
    "model_type": _Refusal("C12", "Write an object in braces.", "is not an object"),
    "tuple_type": _Refusal("C12", "Write a list in brackets.", "is not a list"),
    "text": _Refusal("C12", "Write a text in quotation marks."),
    "bool_type": _Refusal(
        "C12", "Write true or false, without quotation marks.", "is neither true nor false"
    ),
    "text_length": _Refusal("C13", "Shorten the text."),
    "too_many": _Refusal("C14", "Split the document."),
    "too_short": _Refusal(
        "C14", "Add what is missing.", "has {actual_length} entries, at least {min_length} are due"
    ),
    "literal_error": _Refusal("C15", "Use one of the allowed values.", "is not one of {expected}"),
    "rate": _Refusal("C15", "Use a rate code of FA(3); a plain 0 can mean any of five.", allowed=RATE_CODES),
    "method": _Refusal("C15", 'Use a code, or {"other": "…"} for a method in words.', allowed=METHOD_CODES),
    "amount": _Refusal("C16", "Write a number, or its digits in quotation marks."),
    "amount_form": _Refusal("C16", "Write digits and a decimal point, nothing else: 1234.56."),
    "amount_digits": _Refusal("C16", "Round where the amount is made, or choose a larger unit."),
    "whole": _Refusal("C16", "Write a whole number."),
    "range": _Refusal("C16", "Use a number within the range."),
    "day": _Refusal("C17", "Write the day as YYYY-MM-DD, without a time."),
    "day_unknown": _Refusal("C17", "Correct the day."),
    "point": _Refusal("C17", "Write it with its offset: 2026-11-20T09:15:00+01:00."),
    "text_form": _Refusal("C18", "Correct the value."),
    "character": _Refusal("C19", "Remove the character where the text is made; XML or KSeF refuses it."),
    "exclusive": _Refusal("C20", "Keep one of them."),
    "one_of": _Refusal("C20", "Give exactly one of them."),
    "incomplete": _Refusal("C20", "Give them together or not at all."),
}
_UNFORESEEN: Final = _Refusal("C12", "Compare the field with the schema of invoice/1.", "cannot be read")


def findings_of(error: ValidationError, *, model: type[BaseModel]) -> Findings:
    """All that the model refuses, in the model's order; beyond ``MOST_FINDINGS`` only their number."""
    details = [one for one in error.errors(include_url=False) if one["type"] != FAST]
    listed = tuple(_finding(one, model=model) for one in details[:MOST_FINDINGS])
    return listed if len(details) <= MOST_FINDINGS else (*listed, _and_more(len(details) - MOST_FINDINGS))


def repeated_field(path: Path) -> Finding:
    """The finding for a field that its object holds more than once."""
    return Finding(
        code="C05",
        text=f"{path_of(path)} is written more than once.",
        next_step="Keep one of them; a reader would take either.",
        field=path_of(path),
    )


def path_of(location: Iterable[str | int]) -> str:
    """``lines[2].rate`` for ``("lines", 2, "rate")``."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{_shown(step)}"
    return path.removeprefix(".")


def _finding(error: ErrorDetails, *, model: type[BaseModel]) -> Finding:
    location = _location(error)
    path = path_of(location)
    if isinstance(error["input"], OddNumber):
        return _odd_number(path, error["input"])
    refusal = _REFUSALS.get(error["type"], _UNFORESEEN)
    context = error.get("ctx", {})
    predicate = refusal.says.format(**context) if refusal.says else error["msg"]
    value = None if error["type"] in {"missing", "extra_forbidden"} else _value(error["input"])
    known = _fields_at(model, location[:-1]) if error["type"] == "extra_forbidden" else ()
    nearest = difflib.get_close_matches(str(location[-1]), known, n=1) if known else []
    return Finding(
        code=refusal.code,
        text=_sentence(path, value, predicate),
        next_step=f"Did you mean {nearest[0]}?" if nearest else refusal.next_step,
        field=path or None,
        value=value,
        allowed=refusal.allowed or tuple(known),
    )


def _location(error: ErrorDetails) -> Path:
    steps = error["loc"]
    # The name of an unknown field is the document's own and may look like a label.
    unknown = steps[-1:] if error["type"] == "extra_forbidden" else ()
    known = steps[: len(steps) - len(unknown)]
    return (*(step for step in known if not str(step).startswith(JUDGE)), *unknown)


def _sentence(path: str, value: str | None, predicate: str) -> str:
    subject = path or "The document"
    return f"{subject} {predicate}." if value is None else f"{subject} {predicate}: {value}"


def _odd_number(path: str, number: OddNumber) -> Finding:
    too_long = len(number.text) > LONGEST_NUMBER
    problem = "is a number of absurd length" if too_long else f"is {number.text}, which is no number here"
    return Finding(
        code="C06",
        text=f"{path} {problem}.",
        next_step="Write a finite number, or leave the field out.",
        field=path,
        value=_shown(number.text),
    )


def _and_more(count: int) -> Finding:
    return Finding(
        code="C00",
        text=f"{count:,} more problems are not listed.",
        next_step="Correct those listed and send again.",
    )


def _value(value: object) -> str | None:
    """A scalar as it was written; no more than a word about what is larger."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float, Decimal)):
        return _shown(str(value))
    return None


def _shown(text: str) -> str:
    cut = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in cut)


def _fields_at(model: type[BaseModel], location: Path) -> list[str]:
    """Names of the fields that the part at ``location`` knows."""
    for step in location:
        if isinstance(step, str):
            found = next(
                (info for name, info in model.model_fields.items() if step in (name, info.alias)), None
            )
            models = list(_models_in(found.annotation)) if found else []
            if not models:
                return []
            model = models[0]
    return [info.alias or name for name, info in model.model_fields.items()]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    arguments = get_args(annotation)
    for argument in arguments[:1] if get_origin(annotation) is Annotated else arguments:
        yield from _models_in(argument)
