"""Whether a JSON Schema breaks what an older one promised. Pure.

Within a major version a contract only grows: optional fields may be added, enumerations may get new members.
Anything else that changes what may be sent or relied upon is a break, in either direction, because old
records, old publishers and old readers live on beside new ones.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

# Words that say nothing about which values are valid.
_ANNOTATIONS = {"title", "description", "examples", "default", "deprecated", "$defs"}
_STRUCTURAL = {"properties", "required", "items", "anyOf", "oneOf", "enum", "$ref", "discriminator"}


def breaks(released: Schema, now: Schema) -> list[str]:
    """Every break, as ``path: what``; empty when ``now`` may take the place of ``released``."""
    return list(_Comparison(released, now).compare(released, now, "$"))


class _Comparison:
    def __init__(self, released: Schema, now: Schema) -> None:
        self._released_defs = released.get("$defs", {})
        self._now_defs = now.get("$defs", {})
        self._compared: set[tuple[str, str]] = set()

    def compare(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        if "$ref" in old and "$ref" in new:
            pair = (old["$ref"], new["$ref"])
            if pair in self._compared:
                return
            self._compared.add(pair)
        old, new = _resolve(old, self._released_defs), _resolve(new, self._now_defs)
        for word in sorted((old.keys() | new.keys()) - _ANNOTATIONS - _STRUCTURAL):
            if old.get(word) != new.get(word):
                yield f"{path}: {word} was {old.get(word)!r}, is {new.get(word)!r}"
        if gone := sorted(set(map(str, old.get("enum", ()))) - set(map(str, new.get("enum", ())))):
            yield f"{path}: no longer allowed: {', '.join(gone)}"
        if "enum" in new and "enum" not in old:
            yield f"{path}: is restricted to an enumeration now"
        yield from self._properties(old, new, path)
        yield from self._variants(old, new, path)
        if "items" in old and "items" in new:
            yield from self.compare(old["items"], new["items"], f"{path}[]")

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
            for number, (variant, variant_now) in enumerate(zip(before, after, strict=False)):
                yield from self.compare(variant, variant_now, f"{path}|{number}")


def _resolve(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    reference = schema.get("$ref")
    return schema if reference is None else definitions[reference.removeprefix("#/$defs/")]
