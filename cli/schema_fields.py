"""A JSON Schema of ours read as a list of parts and fields, in words. Pure.

Invariant: every field of the schema is in exactly one part, under its path as findings write it; a list's
elements are ``lines[]``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

_DIGITS = re.compile(r"\^-\?\(\?:\[1-9\]\[0-9\]\{0,(\d+)\}\|0\)\(\?:\\\.\[0-9\]\{1,(\d+)\}\)\?\$").fullmatch
_FORMATS = {
    "date": "day, `YYYY-MM-DD`",
    "date-time": "time with its offset, RFC 3339",
    "uuid": "UUID",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``form`` says in Markdown which values it takes; ``required`` is meant within its part."""

    path: str
    form: str
    meaning: str
    required: bool
    default: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """A group of fields: the document itself (path ``""``), a part of it, or the elements of a list."""

    path: str
    meaning: str
    fields: tuple[Field, ...]


def parts_of(schema: Schema) -> tuple[Part, ...]:
    """The document's own fields first, then its parts in the order of the schema."""
    return tuple(_parts(schema, "", schema.get("$defs", {})))


def _parts(part: Schema, path: str, defs: Schema) -> Iterator[Part]:
    below: list[tuple[Schema, str]] = []
    fields = []
    required = part.get("required", ())
    for name, field in part["properties"].items():
        place = f"{path}.{name}".removeprefix(".")
        fields.append(
            Field(
                path=place,
                form=_form(field, defs),
                meaning=field.get("description", ""),
                required=name in required,
                default=_default(field),
            )
        )
        below += _below(field, place, defs)
    yield Part(path, part.get("description", ""), tuple(fields))
    for inner, place in below:
        yield from _parts(inner, place, defs)


def _below(field: Schema, path: str, defs: Schema) -> Iterator[tuple[Schema, str]]:
    """The objects that may stand in a field, each with its path."""
    for form in _variants(field, defs):
        if "properties" in form:
            yield form, path
        elif "items" in form:
            yield from _below(form["items"], f"{path}[]", defs)


def _variants(field: Schema, defs: Schema) -> tuple[Schema, ...]:
    """The forms that a value may have; null, which is absence, left out."""
    found = _resolved(field, defs)
    several = found.get("anyOf") or found.get("oneOf")
    if several:
        return tuple(form for one in several for form in _variants(one, defs))
    return () if found.get("type") == "null" else (found,)


def _resolved(schema: Schema, defs: Schema) -> Schema:
    reference = schema.get("$ref")
    return defs[reference.removeprefix("#/$defs/")] if reference else schema


def _form(field: Schema, defs: Schema) -> str:
    variants = _variants(field, defs)
    if [form.get("type") for form in variants] == ["string", "number"]:
        return _amount(variants[0])
    return " or ".join(dict.fromkeys(_one(form, defs) for form in variants))


def _one(form: Schema, defs: Schema) -> str:
    if "const" in form:
        return _quoted(form["const"])
    if "enum" in form:
        return "one of " + ", ".join(dict.fromkeys(map(_quoted, form["enum"])))
    match form.get("type"):
        case "object":
            return "object"
        case "array":
            return _list(form, defs)
        case "boolean":
            return "`true` or `false`"
        case "integer":
            return _whole(form)
        case _:
            return _text(form)


def _list(form: Schema, defs: Schema) -> str:
    elements = _form(form["items"], defs)
    most = f", at most {form['maxItems']:,}" if "maxItems" in form else ""
    return f"list of objects{most}" if elements == "object" else f"list{most}; each: {elements}"


def _amount(text: Schema) -> str:
    digits = _DIGITS(text["pattern"])
    if digits is None:
        raise ValueError(f"a number in a text of another form than expected: {text['pattern']}")
    return f"decimal: {int(digits[1]) + 1} digits before the point, {digits[2]} after"


def _whole(form: Schema) -> str:
    if "maximum" in form:
        return f"whole number, {form['minimum']:,} to {form['maximum']:,}"
    return f"whole number from {form['minimum']}" if "minimum" in form else "whole number"


def _text(form: Schema) -> str:
    if "format" in form:
        return _FORMATS[form["format"]]
    if "pattern" in form:
        return f"text like `{form['pattern']}`"
    if "examples" in form:
        return "text, such as " + ", ".join(map(_quoted, form["examples"]))
    return f"text, at most {form['maxLength']:,} characters" if "maxLength" in form else "text"


def _default(field: Schema) -> str | None:
    default = field.get("default")
    return _quoted(default) if isinstance(default, str) and default else None


def _quoted(value: object) -> str:
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"
