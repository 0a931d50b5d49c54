"""Rules between the fields of one part: this one or that one, these only together.

Invariant: such a rule names all its fields, so that the reader of the finding need not know the model.
"""

from pydantic import BaseModel
from pydantic_core import PydanticCustomError


def _given(part: BaseModel, fields: tuple[str, ...]) -> list[str]:
    return [_written(name) for name in fields if getattr(part, name) not in (None, False, ())]


def _written(name: str) -> str:
    return name.rstrip("_")


def at_most_one(part: BaseModel, *fields: str) -> None:
    """Raise unless no more than one of the fields is given."""
    if len(given := _given(part, fields)) > 1:
        context = {"given": " and ".join(given), "given_pl": " i ".join(given)}
        raise PydanticCustomError("exclusive", "has {given} together", context)


def exactly_one(part: BaseModel, *fields: str) -> None:
    """Raise unless exactly one of the fields is given."""
    at_most_one(part, *fields)
    if not _given(part, fields):
        raise PydanticCustomError(
            "one_of", "has none of {fields}", {"fields": ", ".join(map(_written, fields))}
        )


def all_or_none(part: BaseModel, *fields: str) -> None:
    """Raise if some of the fields are given and some are not."""
    given = _given(part, fields)
    if given and len(given) < len(fields):
        missing = [_written(name) for name in fields if _written(name) not in given]
        context = {
            "given": " and ".join(given),
            "given_pl": " i ".join(given),
            "missing": " and ".join(missing),
            "missing_pl": " i ".join(missing),
        }
        raise PydanticCustomError("incomplete", "has {given} without {missing}", context)
