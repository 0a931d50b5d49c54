"""Whether a JSON Schema breaks what an older one promised. Pure.

Within a major version a contract only grows: optional fields may be added, enumerations may get new members.
Anything else that changes what may be sent or relied upon is a break, in either direction, because old
records, old publishers and old readers live on beside new ones.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

# Words that say nothing about which values are valid, or what they mean.
_ANNOTATIONS = {"title", "description", "examples", "deprecated", "$defs"}
_STRUCTURAL = {"properties", "required", "items", "anyOf", "oneOf", "enum", "const", "$ref", "discriminator"}


def breaks(released: Schema, now: Schema) -> list[str]:
    """Every break, as ``path: what``; empty when ``now`` may take the place of ``released``."""
    return list(_Comparison(released, now).compare(released, now, "$"))


class _Comparison:
    def __init__(self, released: Schema, now: Schema) -> None:
        self._released_defs = released.get("$defs", {})
        self._now_defs = now.get("$defs", {})
        self._compared: set[tuple[str, str]] = set()

    def compare(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        pair = (old.get("$ref", ""), new.get("$ref", ""))
        if all(pair) and pair in self._compared:
            old, new = _beside(old), _beside(new)
        self._compared.add(pair)
        old, new = _resolve(old, self._released_defs), _resolve(new, self._now_defs)
        for word in sorted((old.keys() | new.keys()) - _ANNOTATIONS - _STRUCTURAL):
            if old.get(word) != new.get(word):
                yield f"{path}: {word} was {old.get(word)!r}, is {new.get(word)!r}"
        yield from _members(old, new, path)
        yield from self._properties(old, new, path)
        yield from self._variants(old, new, path)
        if "items" in old and "items" in new:
            yield from self.compare(old["items"], new["items"], f"{path}[]")
        elif "items" in old or "items" in new:
            yield f"{path}: its items are described in only one of the two"

    def _properties(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in before:
            if name not in after:
                yield f"{path}.{name}: was removed"
            else:
                yield from self.compare(before[name], after[name], f"{path}.{name}")
        needed, needed_now = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(needed_now - needed):
            yield f"{path}.{name}: is required now"
        for name in sorted((needed - needed_now) & after.keys()):
            yield f"{path}.{name}: is no longer certain to be there"

    def _variants(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        for word in ("anyOf", "oneOf"):
            before, after = old.get(word, ()), new.get(word, ())
            if len(after) < len(before):
                yield f"{path}: has fewer forms than before"
            elif len(after) > len(before):
                yield f"{path}: has a form that older readers cannot read"
            for number, (variant, variant_now) in enumerate(zip(before, after, strict=False)):
                yield from self.compare(variant, variant_now, f"{path}|{number}")


def _members(old: Schema, new: Schema, path: str) -> Iterator[str]:
    before, after = _enumerated(old), _enumerated(new)
    if before is None and after is None:
        return
    if before is None:
        yield f"{path}: is restricted to an enumeration now"
    elif after is None:
        yield f"{path}: is no longer restricted to an enumeration"
    elif gone := sorted(map(str, before - after)):
        yield f"{path}: no longer allowed: {', '.join(gone)}"


def _enumerated(schema: Schema) -> set[Any] | None:
    """The allowed values, one or many: an enumeration of one member is written as a constant."""
    return {schema["const"]} if "const" in schema else set(schema["enum"]) if "enum" in schema else None


def _resolve(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    return {**definitions[reference.removeprefix("#/$defs/")], **_beside(schema)}


def _beside(schema: Schema) -> Schema:
    """What is said of this one use of a definition, such as a default."""
    return {word: value for word, value in schema.items() if word != "$ref"}
