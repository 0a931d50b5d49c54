"""What every part of ``invoice/1`` has in common: frozen, closed, and blank means absent.

Invariant: a field that is null, a blank text or missing reads the same; an unknown field is refused,
because a misspelt ``discount`` must not vanish.
"""

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler, StrictBool
from pydantic_core import CoreSchema
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


def _null_is_empty(value: object) -> object:
    return () if value is None else value


Opt: TypeAlias = Annotated[T | None, BlankIs(None)]
"""A value that may be absent."""
Many: TypeAlias = Annotated[tuple[T, ...], BeforeValidator(_null_is_empty)]
"""Any number of parts; null is none."""
Flag: TypeAlias = Annotated[StrictBool, BlankIs(False)]
"""``true`` or ``false``; absent is false."""
