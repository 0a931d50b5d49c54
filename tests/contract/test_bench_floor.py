"""The floor of the benchmarks does the pipeline's work: the same document gives the same XML."""

from datetime import UTC, datetime

import pytest

from cli.config_files import read_config
from contracts.sales import DocumentFormat
from services.mapper.mapping import Mapping, map_document
from tests.bench import floor
from tests.support.system import SAMPLES, invoice

SELLER = {"name": "Huta Bursztyn sp. z o.o.", "line1": "ul. Piecowa 7", "line2": "80-299 Gdańsk"}


@pytest.mark.parametrize("lines", [1, 3, 50])
def test_the_floor_writes_what_the_mapper_writes(lines: int) -> None:
    raw = invoice("FV/1", lines=lines, price="19.99")
    mapped = map_document(
        raw,
        format_=DocumentFormat.INVOICE_JSON,
        created_at=datetime(2026, 11, 2, tzinfo=UTC),
        companies=read_config(SAMPLES / "config").companies,
    )

    sealed = floor.f1(raw, seller=SELLER, created_at="2026-11-02T00:00:00Z", key=bytes(32), iv=bytes(16))

    assert isinstance(mapped, Mapping)
    assert sealed.xml == mapped.xml


def test_the_floor_refuses_what_the_schema_refuses() -> None:
    raw = invoice("FV/1", lines=1).replace(b"2026-11-02", b"1990-01-02")

    with pytest.raises(ValueError, match="P_1"):
        floor.f1(raw, seller=SELLER, created_at="2026-11-02T00:00:00Z", key=bytes(32), iv=bytes(16))
