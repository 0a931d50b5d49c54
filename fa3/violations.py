"""A violation of the schema, whichever engine found it, and how it is told.

Invariant: a finding names the element by its FA(3) path, the field of ``invoice/1`` where one corresponds,
the value and what is allowed; no namespaces, no regular expressions, no endless lists.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from lxml import etree

from contracts.findings import Finding
from fa3.document import Document
from fa3.fields import field_of
from fa3.places import name_of, path_of, place_of_element
from fa3.schema_types import FORM_OF_ELEMENT

MOST_ALLOWED: Final = 30
_LONGEST_VALUE: Final = 80

Rule: TypeAlias = Literal[
    "enumeration",  # the value is none of ``allowed``
    "form",  # the value is not ``detail``
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
    """What is wrong with an element; ``allowed`` and ``detail`` as the rule has them."""

    element: "etree._Element"
    rule: Rule
    allowed: tuple[str, ...] = ()
    detail: str = ""

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
        text=f"{path} {problem}." if not value else f"{path} {problem}: {_shortened(value)}",
        next_step=next_step,
        field=_field(violation, path),
        fa3_path=path,
        place=place_of_element(element, lines=document.lines),
        value=_shortened(value) if value else None,
        allowed=violation.allowed[:MOST_ALLOWED],
    )


_TOLD: Final[dict[Rule, tuple[str, str]]] = {
    "form": ("is not {form}", "Correct the value."),
    "too_long": ("is longer than {detail} characters", "Shorten the text."),
    "too_short": ("is empty or too short", "Give a value, or leave the element out."),
    "too_small": ("is below {detail}, the least allowed", "Correct the value."),
    "too_large": ("is above {detail}, the most allowed", "Correct the value."),
    "digits": ("has more digits than fit", "Round the number, or choose a larger unit."),
    "incomplete": ("lacks {allowed}", "Add what is missing."),
    "text_inside": ("holds text beside its elements", "Remove the text."),
    "elements_inside": ("holds elements instead of a value", "Write the value alone."),
    "attribute": ("has a wrong attribute: {detail}", "Write the attributes as the form prescribes them."),
    "other": ("breaks the schema: {detail}", "Compare the element with the schema."),
}


def _told(violation: Violation) -> tuple[str, str]:
    """A predicate for the element, and what to do."""
    if violation.rule == "enumeration":
        return _none_of(violation.allowed), "Use one of the allowed values."
    allowed = _alternatives(violation.allowed)
    if violation.rule == "unexpected":
        return f"is not expected here, but {allowed}", _way_to_order(violation)
    form = FORM_OF_ELEMENT.get(name_of(violation.element)) or violation.detail or "of the prescribed form"
    problem, next_step = _TOLD[violation.rule]
    return problem.format(form=form, detail=violation.detail, allowed=allowed), next_step


def _way_to_order(violation: Violation) -> str:
    following = [name_of(one) for one in violation.element.itersiblings(etree.Element)]
    missing = violation.allowed[-1] if violation.allowed else None
    if missing is None or missing in following[:1]:
        return "Remove the element."
    return f"Move {missing} before it." if missing in following else f"Add {missing} before it."


def _none_of(allowed: Sequence[str]) -> str:
    if len(allowed) > MOST_ALLOWED:
        return f"is none of the {len(allowed)} allowed values"
    return f"is not {_alternatives(allowed)}"


def _alternatives(names: Sequence[str]) -> str:
    shown = names[:MOST_ALLOWED]
    return (
        " or ".join((", ".join(shown[:-1]), shown[-1]))
        if len(shown) > 1
        else "".join(shown) or "nothing more"
    )


def _field(violation: Violation, path: str) -> str | None:
    # What is missing is the field to fill; the last of the expected elements is the one that cannot be left
    # out.
    if violation.rule in STRUCTURAL and violation.allowed and violation.parent is not None:
        parent = path_of(violation.parent)
        return field_of(f"{parent}/{violation.allowed[-1]}") or field_of(path)
    return field_of(path)


def _shortened(value: str) -> str:
    return value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}…"
