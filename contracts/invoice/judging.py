"""How a single value is read: a native fast path first, a Python judge when that fails.

Invariant: only the judge decides. The fast path accepts what is in order as it stands; the judge mends what
may be mended (blanks, ``1e3``, excess zeros) and words the refusal. pydantic reports the failure of both:
of the fast path as one error of type ``FAST``, to be dropped, of the judge under the location label
``JUDGE``, to be skipped.
"""

from collections.abc import Callable
from typing import Any

from pydantic_core import CoreSchema
from pydantic_core import core_schema as cs

FAST = "fast_path"
JUDGE = "!"

_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"


def is_blank(value: object) -> bool:
    """Whether a value says nothing: null, or a text without a visible character."""
    return value is None or (isinstance(value, str) and not value.strip().strip(_INVISIBLE).strip())


def judged_by(judge: Callable[[Any], Any]) -> CoreSchema:
    """A schema that is nothing but a Python function raising ``PydanticCustomError``."""
    return cs.no_info_plain_validator_function(judge)


def either(fast: CoreSchema, judge: CoreSchema, *, serialization: "cs.SerSchema | None" = None) -> CoreSchema:
    """``fast``, or else what ``judge`` makes of the value."""
    # One short error however much is wrong inside: the judge repeats it, and a document may be wrong
    # 100,000 times.
    fast = cs.custom_error_schema(fast, custom_error_type=FAST, custom_error_message="-")
    return cs.union_schema([fast, (judge, JUDGE)], mode="left_to_right", serialization=serialization)
