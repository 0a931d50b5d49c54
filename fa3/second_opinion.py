"""The violations that libxml2 hides: behind a structural violation it looks no further into an element.

Invariant: asked only about documents that libxml2 refused, it adds to what is known and never takes away;
whether a document is valid is libxml2's word alone.

Slow: 0.4 s to compile the schema, once for each process, then some 0.3 ms for each line of the document,
all of it in Python. To be called in a thread or another process, never on the event loop.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import xmlschema
from xmlschema.validators import XMLSchemaChildrenValidationError, XsdPatternFacets

from contracts.wording import Wording
from fa3.document import Document
from fa3.places import local_name
from fa3.schema import MOST_VIOLATIONS, schema_path
from fa3.schema_types import FORM_OF_PATTERN, FORM_OF_TYPE
from fa3.versions import Version
from fa3.violations import STRUCTURAL, Rule, Violation

_one_at_a_time = threading.Lock()


def hidden_violations(document: Document, known: Sequence[Violation]) -> tuple[Violation, ...]:
    """Violations of elements of which ``known`` says nothing; with it at most ``MOST_VIOLATIONS``.

    Empty unless a known violation is structural: nothing is hidden otherwise.
    """
    room = MOST_VIOLATIONS - len(known)
    if room <= 0 or not any(one.rule in STRUCTURAL for one in known):
        return ()
    # Nothing promises that a compiled schema may be shared by threads, and nobody is in a hurry here.
    with _one_at_a_time:
        return tuple(_new(_compiled(document.version).iter_errors(document.root), known, room=room))


@cache
def _compiled(version: Version) -> xmlschema.XMLSchema:
    main = schema_path(version)

    def beside_main(address: str) -> str:
        return str(main.parent / Path(address).name)

    return xmlschema.XMLSchema(str(main), uri_mapper=beside_main, allow="local")


def _new(errors: Iterable[Any], known: Sequence[Violation], *, room: int) -> Iterator[Violation]:
    told: set[Any] = {one.element for one in known}
    disordered: set[Any] = {one.parent for one in known if one.rule in STRUCTURAL}
    for error in errors:
        violation = _violation(error)
        if violation is None or violation.element in told:
            continue
        if violation.rule in STRUCTURAL and violation.parent in disordered:
            continue
        told.add(violation.element)
        yield violation
        room -= 1
        if not room:
            return


_RULES: Final[dict[str, Rule]] = {
    "XsdEnumerationFacets": "enumeration",
    "XsdPatternFacets": "form",
    "XsdAtomicBuiltin": "form",
    "XsdMaxLengthFacet": "too_long",
    "XsdMinLengthFacet": "too_short",
    "XsdMinInclusiveFacet": "too_small",
    "XsdMinExclusiveFacet": "too_small",
    "XsdMaxInclusiveFacet": "too_large",
    "XsdMaxExclusiveFacet": "too_large",
    "XsdTotalDigitsFacet": "digits",
    "XsdFractionDigitsFacet": "digits",
    "XsdAttributeGroup": "attribute",
}


def _violation(error: Any) -> Violation | None:
    if error.elem is None:
        return None
    if isinstance(error, XMLSchemaChildrenValidationError):
        return _disorder(error)
    facet = error.validator
    rule = _RULES.get(type(facet).__name__, "other")
    match rule:
        case "enumeration":
            return Violation(error.elem, rule, allowed=tuple(map(str, facet.enumeration)))
        case "form":
            return Violation(error.elem, rule, form=_form(facet))
        case "too_long" | "too_short" | "too_small" | "too_large" | "digits":
            return Violation(error.elem, rule, detail=str(facet.value))
        case _:
            return Violation(error.elem, rule, detail=(error.reason or "").rstrip("."))


def _disorder(error: Any) -> Violation:
    expected = tuple(local_name(one.name) for one in error.expected or () if one.name)
    if error.invalid_tag is None:
        return Violation(error.elem, "incomplete", allowed=expected)
    return Violation(error.elem[error.index], "unexpected", allowed=expected)


def _form(facet: Any) -> Wording | None:
    if isinstance(facet, XsdPatternFacets):
        return next((FORM_OF_PATTERN[one] for one in facet.regexps if one in FORM_OF_PATTERN), None)
    return FORM_OF_TYPE.get(facet.local_name or "")
