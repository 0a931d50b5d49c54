"""Days and points in time of ``invoice/1``.

Invariant: a day is a day as written, never cut from a time stamp; a point in time has an offset and is kept
in UTC.
"""

import re
from datetime import UTC, date, datetime
from typing import Annotated, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core import core_schema as cs

_written_day = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII).fullmatch


class CalendarDay:
    """A day as ``YYYY-MM-DD``; a time of day or an offset beside it is refused."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        iso = cs.plain_serializer_function_ser_schema(date.isoformat, when_used="json")
        return cs.no_info_plain_validator_function(self._judge, serialization=iso)

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "format": "date"}

    @staticmethod
    def _judge(value: object) -> date:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        if isinstance(value, str) and _written_day(value.strip()):
            try:
                return date.fromisoformat(value.strip())
            except ValueError:
                raise PydanticCustomError("day_unknown", "is not in the calendar") from None
        raise PydanticCustomError("day", "is not a day")


class PointInTime:
    """A point in time with an offset, such as ``2026-11-20T09:15:00+01:00``."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        rfc3339 = cs.plain_serializer_function_ser_schema(_rfc3339, when_used="json")
        return cs.no_info_plain_validator_function(self._judge, serialization=rfc3339)

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "format": "date-time"}

    @staticmethod
    def _judge(value: object) -> datetime:
        try:
            point = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
            if isinstance(point, datetime) and point.tzinfo is not None:
                return point.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise PydanticCustomError("point", "is not a point in time with an offset")


def _rfc3339(point: datetime) -> str:
    return point.isoformat().replace("+00:00", "Z")


Day: TypeAlias = Annotated[date, CalendarDay()]
Instant: TypeAlias = Annotated[datetime, PointInTime()]
