"""The payload store on a real database: bytes by month and hash, stored once, verified when read."""

import hashlib
from datetime import date

import pytest

from contracts.content import InlineContent, StoredContent, inline
from runtime.db import Database, first_of_month
from runtime.payload import PayloadMissing, PayloadStore, by_value_or_check

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ABC_SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


async def this_month(pool: Database) -> date:
    today: date = await pool.fetchval("select (now() at time zone 'UTC')::date")
    return first_of_month(today)


async def put(pool: Database, *contents: bytes) -> list[StoredContent]:
    month = await this_month(pool)
    async with pool.transaction() as connection:
        return await PayloadStore(pool).put(connection, [(month, raw) for raw in contents])


async def test_bytes_are_read_as_they_were_put_by_their_claim_check(pool: Database) -> None:
    checks = await put(pool, b"abc", b"", b"\x00\xff")

    assert [(check.sha256, check.size_bytes) for check in checks[:2]] == [(ABC_SHA256, 3), (EMPTY_SHA256, 0)]
    assert [await PayloadStore(pool).read(check) for check in checks] == [b"abc", b"", b"\x00\xff"]


async def test_the_same_bytes_are_stored_once_however_often_they_are_put(pool: Database) -> None:
    first = await put(pool, b"abc", b"abc")
    second = await put(pool, b"abc")

    assert first == [second[0], second[0]]
    assert await pool.fetchval("select count(*) from payload.object") == 1


async def test_what_was_rolled_back_is_not_in_the_store(pool: Database) -> None:
    month = await this_month(pool)
    with pytest.raises(LookupError):
        await put_and_roll_back(pool, month, b"abc")

    with pytest.raises(PayloadMissing, match=ABC_SHA256):
        await PayloadStore(pool).read(StoredContent(stored_on=month, sha256=ABC_SHA256, size_bytes=3))


async def put_and_roll_back(pool: Database, month: date, raw: bytes) -> None:
    async with pool.transaction() as connection:
        await PayloadStore(pool).put(connection, [(month, raw)])
        raise LookupError


@pytest.mark.parametrize("size", [3, 2_000_000])
async def test_damaged_bytes_are_noticed_and_not_quoted(pool: Database, size: int) -> None:
    (check,) = await put(pool, b"s" * size)
    await pool.execute("update payload.object set bytes = $1", b"t" * size)

    with pytest.raises(PayloadMissing, match="has other bytes") as refused:
        await PayloadStore(pool).read(check)

    assert "ttt" not in str(refused.value)


async def test_content_by_value_needs_no_store(pool: Database) -> None:
    assert await PayloadStore(pool).read(inline(b"abc")) == b"abc"


@pytest.mark.parametrize(
    ("encoding", "data"), [("utf-8", "abd"), ("base64", "YWJk"), ("base64", "no base64!")]
)
async def test_content_by_value_that_does_not_match_its_hash_is_refused(
    pool: Database, encoding: str, data: str
) -> None:
    forged = InlineContent.model_validate(
        {"sha256": ABC_SHA256, "size_bytes": 3, "encoding": encoding, "data": data}
    )

    with pytest.raises(PayloadMissing, match=ABC_SHA256):
        await PayloadStore(pool).read(forged)


@pytest.mark.parametrize(("size", "kind"), [(262_144, "inline"), (262_145, "stored")])
def test_bytes_travel_by_value_up_to_256_kib(size: int, kind: str) -> None:
    raw = b"x" * size
    check = StoredContent(
        stored_on=date(2026, 11, 1), sha256=hashlib.sha256(raw).hexdigest(), size_bytes=size
    )

    assert by_value_or_check(raw, check).kind == kind
