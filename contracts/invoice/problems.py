"""What pydantic refuses, told as findings: code, canonical path, value, a sentence, a next step.

Invariant: the codes are stable; every refusal of the model has one, and a finding shows no more of the
document than the value in question.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, TypeAlias, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from contracts.findings import Finding
from contracts.invoice.judging import FAST, JUDGE
from contracts.invoice.refusals import REFUSALS, UNFORESEEN
from contracts.invoice.strict_json import LONGEST_NUMBER, OddNumber, Path
from contracts.wording import Wording

Findings: TypeAlias = tuple[Finding, ...]

MOST_FINDINGS: Final = 100
_LONGEST_SHOWN: Final = 80


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
        text_pl=f"{path_of(path)}: pole zapisano więcej niż raz.",
        next_step="Keep one of them; a reader would take either.",
        next_step_pl="Zostaw jedno z nich; czytający mógłby wziąć dowolne.",
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
    refusal = REFUSALS.get(error["type"], UNFORESEEN)
    says = _filled(refusal.says, error.get("ctx", {}))
    value = None if error["type"] in {"missing", "extra_forbidden"} else _value(error["input"])
    known = _fields_at(model, location[:-1]) if error["type"] == "extra_forbidden" else ()
    nearest = difflib.get_close_matches(str(location[-1]), known, n=1) if known else []
    next_step = _guess(nearest[0]) if nearest else refusal.next_step
    return Finding(
        code=refusal.code,
        text=_sentence(path or "The document", value, says.en),
        text_pl=_sentence(path or "Dokument", value, says.pl),
        next_step=next_step.en,
        next_step_pl=next_step.pl,
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


def _filled(says: Wording, context: Mapping[str, Any]) -> Wording:
    words = dict(context)
    if "expected" in words:  # pydantic lists what a literal allows: 'VAT', 'KOR' or 'ZAL'
        words["expected_pl"] = str(words["expected"]).replace("' or '", "' lub '")
    return Wording(says.en.format(**words), says.pl.format(**words))


def _guess(name: str) -> Wording:
    return Wording(f"Did you mean {name}?", f"Czy chodzi o pole {name}?")


def _sentence(subject: str, value: str | None, predicate: str) -> str:
    return f"{subject} {predicate}." if value is None else f"{subject} {predicate}: {value}"


def _odd_number(path: str, number: OddNumber) -> Finding:
    too_long = len(number.text) > LONGEST_NUMBER
    problem = (
        Wording("is a number of absurd length", "jest liczbą o niedorzecznej długości")
        if too_long
        else Wording(
            f"is {number.text}, which is no number here",
            f"ma wartość {number.text}, która nie jest tu liczbą",
        )
    )
    return Finding(
        code="C06",
        text=f"{path} {problem.en}.",
        text_pl=f"{path} {problem.pl}.",
        next_step="Write a finite number, or leave the field out.",
        next_step_pl="Zapisz liczbę skończoną albo pomiń to pole.",
        field=path,
        value=_shown(number.text),
    )


def _and_more(count: int) -> Finding:
    return Finding(
        code="C00",
        text=f"{count:,} more problems are not listed.",
        text_pl=f"Dalszych problemów, których nie wymieniono: {count}.",
        next_step="Correct those listed and send again.",
        next_step_pl="Popraw wymienione i wyślij ponownie.",
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
