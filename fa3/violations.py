"""A violation of the schema, whichever engine found it, and how it is told.

Invariant: a finding names the element by its FA(3) path, the field of ``invoice/1`` where one corresponds,
the value and what is allowed; no namespaces, no regular expressions, no endless lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from lxml import etree

from contracts.findings import Finding
from contracts.wording import Wording
from fa3.document import Document
from fa3.fields import field_of
from fa3.places import name_of, path_of, place_of_element
from fa3.schema_types import FORM_OF_ELEMENT

MOST_ALLOWED: Final = 30
_LONGEST_VALUE: Final = 80

Rule: TypeAlias = Literal[
    "enumeration",  # the value is none of ``allowed``
    "form",  # the value is not of ``form``
    "too_long",  # the value has more than ``detail`` characters
    "too_short",
    "too_small",  # the value is below ``detail``
    "too_large",
    "digits",
    "unexpected",  # the element stands where ``allowed`` are expected
    "incomplete",  # the element ends where ``allowed`` are expected
    "text_inside",
    "elements_inside",
    "attribute",  # an attribute is wrong, as ``detail`` says
    "other",
]

STRUCTURAL: Final[frozenset[Rule]] = frozenset({"unexpected", "incomplete"})


@dataclass(frozen=True, slots=True, eq=False)
class Violation:
    """What is wrong with an element; ``allowed``, ``detail`` and ``form`` as the rule has them."""

    element: "etree._Element"
    rule: Rule
    allowed: tuple[str, ...] = ()
    detail: str = ""
    form: Wording | None = None

    @property
    def parent(self) -> "etree._Element | None":
        """The element whose content is wrong, if the rule is structural."""
        return self.element if self.rule == "incomplete" else self.element.getparent()


def finding_of(violation: Violation, document: Document) -> Finding:
    """The violation as a finding K04."""
    element, path = violation.element, path_of(violation.element)
    structural = violation.rule in STRUCTURAL
    value = (
        None if structural or violation.rule == "attribute" or len(element) else (element.text or "").strip()
    )
    problem, next_step = _told(violation)
    return Finding(
        code="K04",
        text=_sentence(path, problem.en, value),
        text_pl=_sentence(path, problem.pl, value),
        next_step=next_step.en,
        next_step_pl=next_step.pl,
        field=_field(violation, path),
        fa3_path=path,
        place=place_of_element(element, lines=document.lines),
        value=_shortened(value) if value else None,
        allowed=violation.allowed[:MOST_ALLOWED],
    )


def _sentence(path: str, problem: str, value: str | None) -> str:
    return f"{path} {problem}: {_shortened(value)}" if value else f"{path} {problem}."


_CORRECT: Final = Wording("Correct the value.", "Popraw wartość.")
_TOLD: Final[dict[Rule, tuple[Wording, Wording]]] = {
    "too_long": (
        Wording("is longer than {detail} characters", "ma więcej znaków niż {detail}"),
        Wording("Shorten the text.", "Skróć tekst."),
    ),
    "too_short": (
        Wording("is empty or too short", "jest puste albo zbyt krótkie"),
        Wording("Give a value, or leave the element out.", "Podaj wartość albo pomiń element."),
    ),
    "too_small": (
        Wording(
            "is below {detail}, the least allowed", "jest mniejsze niż najmniejsza dozwolona wartość {detail}"
        ),
        _CORRECT,
    ),
    "too_large": (
        Wording(
            "is above {detail}, the most allowed", "jest większe niż największa dozwolona wartość {detail}"
        ),
        _CORRECT,
    ),
    "digits": (
        Wording("has more digits than fit", "ma więcej cyfr, niż się mieści"),
        Wording(
            "Round the number, or choose a larger unit.", "Zaokrąglij liczbę albo wybierz większą jednostkę."
        ),
    ),
    "text_inside": (
        Wording("holds text beside its elements", "zawiera tekst obok swoich elementów"),
        Wording("Remove the text.", "Usuń ten tekst."),
    ),
    "elements_inside": (
        Wording("holds elements instead of a value", "zawiera elementy zamiast wartości"),
        Wording("Write the value alone.", "Zapisz samą wartość."),
    ),
    "attribute": (
        Wording("has a wrong attribute: {detail}", "ma błędny atrybut: {detail}"),
        Wording(
            "Write the attributes as the form prescribes them.", "Zapisz atrybuty tak, jak każe wzór faktury."
        ),
    ),
    "other": (
        Wording("breaks the schema: {detail}", "jest niezgodne ze schematem: {detail}"),
        Wording("Compare the element with the schema.", "Porównaj element ze schematem."),
    ),
}
_UNNAMED_FORM: Final = Wording("of the prescribed form", "postać podana w schemacie")


def _told(violation: Violation) -> tuple[Wording, Wording]:
    """A predicate for the element, and what to do."""
    allowed = _alternatives(violation.allowed)
    match violation.rule:
        case "enumeration":
            return _none_of(violation.allowed), Wording(
                "Use one of the allowed values.", "Użyj jednej z dozwolonych wartości."
            )
        case "unexpected":
            told = Wording(
                f"is not expected here, but {allowed.en}", f"nie jest tu oczekiwane; oczekiwane: {allowed.pl}"
            )
            return told, _way_to_order(violation)
        case "incomplete":
            told = Wording(f"lacks {allowed.en}", f"jest niepełne, brakuje: {allowed.pl}")
            return told, Wording("Add what is missing.", "Dodaj to, czego brakuje.")
        case "form":
            form = FORM_OF_ELEMENT.get(name_of(violation.element)) or violation.form or _UNNAMED_FORM
            return Wording(f"is not {form.en}", f"ma złą postać, oczekiwane: {form.pl}"), _CORRECT
        case rule:
            says, next_step = _TOLD[rule]
            return Wording(*(text.format(detail=violation.detail) for text in says)), next_step


def _way_to_order(violation: Violation) -> Wording:
    following = [name_of(one) for one in violation.element.itersiblings(etree.Element)]
    missing = violation.allowed[-1] if violation.allowed else None
    if missing is None or missing in following[:1]:
        return Wording("Remove the element.", "Usuń ten element.")
    if missing in following:
        return Wording(f"Move {missing} before it.", f"Przenieś {missing} przed ten element.")
    return Wording(f"Add {missing} before it.", f"Dodaj {missing} przed tym elementem.")


def _none_of(allowed: Sequence[str]) -> Wording:
    count = len(allowed)
    if count > MOST_ALLOWED:
        return Wording(
            f"is none of the {count} allowed values",
            f"nie jest żadną z dozwolonych wartości (jest ich {count})",
        )
    alternatives = _alternatives(allowed)
    return Wording(f"is not {alternatives.en}", f"ma złą wartość, dozwolone: {alternatives.pl}")


def _alternatives(names: Sequence[str]) -> Wording:
    *others, last = names[:MOST_ALLOWED] or ("",)
    if not last:
        return Wording("nothing more", "nic więcej")
    if not others:
        return Wording(last, last)
    listed = ", ".join(others)
    return Wording(f"{listed} or {last}", f"{listed} lub {last}")


def _field(violation: Violation, path: str) -> str | None:
    # What is missing is the field to fill; the last of the expected elements is the one that cannot be left
    # out.
    if violation.rule in STRUCTURAL and violation.allowed and violation.parent is not None:
        parent = path_of(violation.parent)
        return field_of(f"{parent}/{violation.allowed[-1]}") or field_of(path)
    return field_of(path)


def _shortened(value: str) -> str:
    return value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}…"
