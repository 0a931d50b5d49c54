"""What every part of ``invoice/1`` has in common: frozen, closed, and blank means absent.

Invariant: a field that is null, a blank text or missing reads the same; an unknown field is refused,
because a misspelt ``discount`` must not vanish.
"""

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StrictBool,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core import core_schema as cs

from contracts.invoice.judging import either, is_blank

T = TypeVar("T")


class Part(BaseModel):
    """A group of fields of the canonical invoice."""

    # Errors are turned into findings; an error that escapes must not print the document.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class BlankIs:
    """Null and blank texts read as ``default``, as if the field were not there."""

    default: Any

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        return either(schema, cs.no_info_wrap_validator_function(self._judge, schema))

    def _judge(self, value: object, handler: cs.ValidatorFunctionWrapHandler) -> object:
        return self.default if is_blank(value) else handler(value)


@dataclass(frozen=True, slots=True)
class UpTo:
    """A list of at most ``most`` elements, counted before any of them is looked at."""

    most: int

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return cs.no_info_before_validator_function(self._counted, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | {"maxItems": self.most}

    def _counted(self, value: object) -> object:
        if isinstance(value, (list, tuple)) and len(value) > self.most:
            context = {"count": len(value), "most": self.most}
            raise PydanticCustomError("too_many", "has {count} entries, at most {most} fit", context)
        return value


def _null_is_empty(value: object) -> object:
    return () if value is None else value


Opt: TypeAlias = Annotated[T | None, BlankIs(None)]
"""A value that may be absent."""
Many: TypeAlias = Annotated[tuple[T, ...], BeforeValidator(_null_is_empty)]
"""Any number of parts; null is none."""
Flag: TypeAlias = Annotated[StrictBool, BlankIs(False)]
"""``true`` or ``false``; absent is false."""
