"""What people do with dead letters, on the real broker and database: list, show, redrive."""

import asyncio
import json
import os
import signal
import stat
import sys
from asyncio.subprocess import PIPE, Process
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from contracts import ids
from contracts.sales import State as Step
from runtime import acts
from runtime.db import Database
from runtime.errors import ConfigurationError
from runtime.records import DeadLetter
from services.sender.submission import State
from stack.local import Addresses
from tests.support.dead_letters import FAILED_AT, SERVICES, GivenUp, Post, erp_ref, given_up
from tests.support.flow import ACCEPTED_AT, NIP, mapped, ref, told
from tests.support.kit import Kafka
from tests.support.waiting import until

ACCEPTED, STATUS = "sales.document.accepted.v1", "sales.document.status.v1"
MAPPED, ADMITTED = "sales.invoice.mapped.v1", "sales.document.admitted.v1"
FROM_ERP = "erp.erp.sales.v1"
ONE = GivenUp("mapper", ACCEPTED)


@pytest.fixture
async def post(kafka: Kafka, pool: Database, database: str, stack: Addresses) -> Post:
    await kafka.create(
        *(f"ksef.{service}.dlq" for service in SERVICES), ACCEPTED, MAPPED, ADMITTED, STATUS, FROM_ERP
    )
    environ = {
        "KSEF_ENVIRONMENT": "test",
        "KSEF_KAFKA__BOOTSTRAP_SERVERS": stack.kafka_bootstrap,
        "KSEF_KAFKA__TOPIC_PREFIX": kafka.prefix,
        "KSEF_POSTGRES__DSN": database,
    }
    return Post(kafka, pool, environ)


@pytest.fixture
async def four(post: Post) -> Post:
    """Four letters, an hour between any two."""
    hour = timedelta(hours=1)
    event = json.dumps({"document": {"document_id": str(UUID(int=5)), "company_nip": "7020000225"}}).encode()
    two = json.dumps(
        [{"source": {"document_id": name}, "seller": {"nip": NIP}} for name in ("A", "B")]
    ).encode()
    undecodable = DeadLetter("undecodable", "no ce_type header")
    await post.put(
        GivenUp("mapper", ACCEPTED, value=b"{", about=undecodable, offset=7),
        GivenUp("mapper", ACCEPTED, key=None, value=event, failed_at=FAILED_AT + hour),
        GivenUp("sender", ADMITTED, key=str(UUID(int=6)).encode(), failed_at=FAILED_AT + 2 * hour),
        GivenUp("intake", FROM_ERP, value=two, failed_at=FAILED_AT + 3 * hour),
    )
    return post


# Seeing


async def test_a_listed_letter_has_its_facts_and_not_its_body(four: Post) -> None:
    (row,) = await four.listed("--letter-reason", "undecodable")

    assert row.pop("version")
    assert row == {
        "id": "mapper:0",
        "service": "mapper",
        "failed_at": "2026-01-05T09:00:00.000Z",
        "reason": "undecodable",
        "detail": "no ce_type header",
        "attempts": 1,
        "origin": {
            "topic": f"{four.kafka.prefix}{ACCEPTED}",
            "partition": 0,
            "offset": 7,
            "published_at": "2026-01-05T09:00:00.000Z",
        },
        "documents": [],
        "companies": [],
        "body": {
            "size_bytes": 1,
            "sha256": "021fb596db81e6d02bf3d2586ee3981fe519f275c0ac9ca76bbcf2ebb4097d96",
        },
        "left_at_origin": False,
        "redriven_at": None,
    }


async def test_letters_are_found_by_worker_reason_time_company_and_id(four: Post) -> None:
    expected = {
        "": ["intake:0", "mapper:0", "mapper:1", "sender:0"],
        "--service mapper": ["mapper:0", "mapper:1"],
        "--service validator": [],
        "--letter-reason handler-error": ["intake:0", "mapper:1", "sender:0"],
        "--since 2026-01-05T10:00:00Z": ["intake:0", "mapper:1", "sender:0"],
        "--until 2026-01-05T11:00:00+00:00": ["mapper:0", "mapper:1"],
        "--since 2026-01-05T12:00:00+01:00 --until 2026-01-05T12:00:00Z": ["sender:0"],
        "--since 2100-01-01T00:00:00Z": [],
        "--company 7020000225": ["mapper:1"],
        "--company 7010000117": ["intake:0"],
        "--id mapper:1 --id intake:0": ["mapper:1", "intake:0"],
        "--id mapper:1 --company 7010000117": [],
        "--id mapper:2 --id tracker:0": [],
    }

    found = {filters: [row["id"] for row in await four.listed(*filters.split())] for filters in expected}

    assert found == expected


async def test_the_documents_of_a_letter_are_named_as_the_flow_names_them(four: Post) -> None:
    rows = {row["id"]: row["documents"] for row in await four.listed()}

    assert rows["mapper:1"] == [str(UUID(int=5))]
    assert rows["sender:0"] == [str(UUID(int=6))]
    assert rows["intake:0"] == [str(ids.document_id("erp", "A")), str(ids.document_id("erp", "B"))]


async def test_the_list_for_people_is_a_line_a_letter(four: Post) -> None:
    shown = (await four.command("list", "--service", "mapper")).out.splitlines()

    origin = f"{four.kafka.prefix}{ACCEPTED}"
    assert [line.split() for line in shown] == [
        ["id", "failed", "at", "reason", "origin", "document", "redriven"],
        ["mapper:0", "2026-01-05", "09:00:00", "undecodable", origin, "0:7", "unknown"],
        ["mapper:1", "2026-01-05", "10:00:00", "handler-error", origin, "0:0", str(UUID(int=5))],
        ["2", "dead", "letters,", "0", "of", "them", "redriven"],
    ]


async def test_one_letter_is_shown_with_all_its_headers_and_without_its_body(post: Post) -> None:
    headers = [("text", b"yes"), ("latin", b"\xb3"), ("none", None), ("colour", b"\x1b[31mred")]
    about = DeadLetter("undecodable", "no [red]ce_type", attempts=2)
    await post.put(GivenUp("mapper", ACCEPTED, value=b"confidential", headers=headers, about=about, key=None))

    shown = (await post.command("show", "mapper:0")).out

    assert "2026-01-05T09:00:00.000Z by ksef-courier" in shown
    assert "undecodable (no [red]ce_type)" in shown
    assert "12 bytes, SHA-256 3151084286f59511ce11d4fd234b6485" in shown
    lines = [line.split(maxsplit=1)[1] for line in shown.splitlines() if line.startswith("  header")]
    assert lines == ["text: yes", r"latin: b'\xb3'", "none: none", r"colour: \x1b[31mred"]
    assert "confidential" not in shown


async def test_the_body_is_written_to_a_new_file_that_only_its_owner_reads(
    post: Post, tmp_path: Path
) -> None:
    await post.put(GivenUp("mapper", ACCEPTED, value=b"\x00confidential\xff"))

    first = await post.command("show", "mapper:0", "--raw", str(tmp_path / "body"))
    second = await post.command("show", "mapper:0", "--raw", str(tmp_path / "body"))

    assert (first.code, second.code) == (0, 1)
    assert "exists: name a new file" in second.err
    assert (tmp_path / "body").read_bytes() == b"\x00confidential\xff"
    assert stat.S_IMODE((tmp_path / "body").stat().st_mode) == 0o600


async def test_a_letter_that_is_not_there_is_said_not_to_be(four: Post) -> None:
    ended = await four.command("show", "mapper:2")

    assert ended.code == 1
    assert "there is no dead letter mapper:2: `ksef-courier dead-letters list` shows" in ended.err


async def test_without_its_topics_the_command_says_how_to_make_them(kafka: Kafka, post: Post) -> None:
    await kafka.delete("ksef.validator.dlq")

    async def is_missed() -> bool:
        try:
            await post.listed()
        except ConfigurationError as error:
            return "dlq: run `ksef-courier topics apply`" in str(error)
        return False

    await until(is_missed)


async def test_a_record_that_is_no_letter_is_told_and_costs_the_others_nothing(post: Post) -> None:
    await post.kafka.produce("ksef.mapper.dlq", b"a stranger's")
    await post.put(ONE)

    ended = await post.command("list", "--json")

    assert [row["id"] for row in json.loads(ended.out)] == ["mapper:1"]
    assert "mapper:0 is no letter of ours: its last header is not dlq_own_headers" in ended.err


# Redriving


async def test_a_rehearsal_says_what_would_be_done_and_does_nothing(four: Post) -> None:
    ended = await four.command("redrive", "--service", "mapper")

    assert ended.out.splitlines() == [
        f"would redrive mapper:0 → {ACCEPTED}, document unknown",
        f"would redrive mapper:1 → {ACCEPTED}, document {UUID(int=5)}",
        "2 would be redriven, 0 skipped: --yes with --reason does it",
    ]
    assert await four.kafka.count(ACCEPTED) == 0
    assert await acts.latest(four.pool, limit=1) == []


async def test_a_record_comes_back_to_its_topic_byte_for_byte(post: Post) -> None:
    headers = [("a", b"\xff\xfe"), ("dlq_reason", b"mine"), ("a", None), ("dlq_own_headers", b"1")]
    originals = [(b"\xffkey", b"\x00\xff"), (None, b"v"), (b"k", None), (b"k", b""), (b"", b"v")]
    await post.put(
        *(GivenUp("mapper", ACCEPTED, key=key, value=value, headers=headers) for key, value in originals)
    )

    await post.redrive()

    records = await post.redriven(ACCEPTED, 5)
    assert [(record.key, record.value) for record in records] == originals
    assert [list(record.headers[:-1]) for record in records] == [headers] * 5
    ((name, redrive_id),) = {record.headers[-1] for record in records}
    assert name == "redrive_id"
    assert UUID(redrive_id.decode())


async def test_each_redriven_letter_is_an_act_of_somebody_for_a_reason(four: Post) -> None:
    await four.redrive("--id", "mapper:1", "--id", "sender:0")

    sender, mapper = await acts.latest(four.pool, limit=5)
    assert (mapper.who, mapper.what) == ("anna", "dead-letter-redriven")
    assert (mapper.about, mapper.reason) == ("mapper:1", "mended")
    assert mapper.detail["documents"] == [str(UUID(int=5))]
    (record,) = await four.redriven(ACCEPTED, 1)
    assert record.headers[-1] == ("redrive_id", mapper.detail["redrive_id"].encode())
    assert (sender.about, sender.detail["redrive_id"]) == ("sender:0", mapper.detail["redrive_id"])
    assert "by anna: mended" in (await four.command("show", "mapper:1")).out


async def test_a_redriven_letter_is_taken_again_only_when_asked(post: Post) -> None:
    await post.put(ONE)
    await post.redrive()
    await post.put(ONE)

    second = await post.redrive()
    third = await post.redrive("--again")

    assert "skipped mapper:0: redriven at 20" in second
    assert "by anna; --again takes it once more" in second
    assert second.endswith("1 redriven, 1 skipped\n")
    assert third.endswith("2 redriven, 0 skipped\n")
    assert len(await post.redriven(ACCEPTED, 4)) == 4
    assert [row["redriven_at"] is not None for row in await post.listed()] == [True, True]


async def test_another_letter_under_the_id_of_a_redriven_one_is_not_taken_for_it(post: Post) -> None:
    async with post.pool.transaction() as connection:
        await acts.record(
            connection,
            who="anna",
            what="dead-letter-redriven",
            about="mapper:0",
            reason="before the topic was made anew",
            detail={"failed_at": (FAILED_AT - timedelta(days=100)).isoformat()},
        )
    await post.put(ONE)

    (row,) = await post.listed()

    assert row["redriven_at"] is None
    assert "before the topic" not in (await post.command("show", "mapper:0")).out
    assert "1 redriven, 0 skipped" in await post.redrive()


async def test_what_the_sender_has_begun_to_send_is_not_redriven(post: Post) -> None:
    for number, state in enumerate(State):
        await post.sender_has(ref(number), state)
    await post.put(*(given_up("validator", mapped(ref(n), xml=b"<Faktura/>")) for n in range(len(State))))

    told_ = await post.redrive()

    assert sorted(told_.splitlines()) == [
        "2 redriven, 6 skipped",
        f"redriven validator:0 → {MAPPED}, document {UUID(int=0)}",  # ready
        f"redriven validator:6 → {MAPPED}, document {UUID(int=6)}",  # rejected
        f"skipped validator:1: the sender has document {UUID(int=1)} as sending",
        f"skipped validator:2: the sender has document {UUID(int=2)} as in-doubt",
        f"skipped validator:3: the sender has document {UUID(int=3)} as sent",
        f"skipped validator:4: the sender has document {UUID(int=4)} as issued",
        f"skipped validator:5: the sender has document {UUID(int=5)} as completed",
        f"skipped validator:7: the sender has document {UUID(int=7)} as parked",
    ]
    assert await post.kafka.count(MAPPED) == 2


async def test_any_name_of_a_sent_document_in_a_damaged_letter_is_enough_to_refuse_it(post: Post) -> None:
    document = str(UUID(int=1)).encode()
    body = b'{"document": {"document_id": "%s"}}' % document
    await post.sender_has(ref(1), State.SENT)
    await post.put(
        GivenUp("validator", MAPPED, key=b"?", headers=[("ce_subject", b"?")], value=body),
        GivenUp("validator", MAPPED, key=b"?", headers=[("ce_subject", document)], value=b'{"document": 1}'),
        GivenUp("validator", MAPPED, key=document, value=b"\xff"),
    )

    told_ = await post.redrive()

    assert told_.count(f"the sender has document {UUID(int=1)} as sent\n") == 3
    assert told_.endswith("0 redriven, 3 skipped\n")


async def test_the_news_of_a_sent_document_are_redriven_for_they_send_nothing(post: Post) -> None:
    await post.sender_has(ref(1), State.ISSUED)
    await post.put(given_up("tracker", told(ref(1), Step.ISSUED, ksef_number="K-1")))

    await post.redrive()

    await post.redriven(STATUS, 1)


async def test_of_an_erps_record_one_sent_document_keeps_all_back_and_is_named(four: Post) -> None:
    sent = ids.document_id("erp", "B")
    await four.sender_has(erp_ref(sent, accepted_at=ACCEPTED_AT), State.COMPLETED)

    told_ = await four.redrive("--service", "intake")

    assert f"skipped intake:0: the sender has document {sent} as completed\n" in told_
    assert await four.kafka.count(FROM_ERP) == 0


async def test_a_letter_goes_only_to_a_topic_of_this_installation_that_its_worker_reads(post: Post) -> None:
    await post.put(
        GivenUp("mapper", MAPPED),
        GivenUp("mapper", "unknown.topic"),
        GivenUp("mapper", ACCEPTED, prefix=""),
    )

    told_ = await post.redrive()

    prefix = post.kafka.prefix
    assert told_.splitlines() == [
        f"skipped mapper:0: mapper does not read {prefix}{MAPPED}",
        f"skipped mapper:1: mapper does not read {prefix}unknown.topic",
        f"skipped mapper:2: mapper does not read {ACCEPTED}",
        "0 redriven, 3 skipped",
    ]


async def test_a_letter_whose_record_stayed_at_its_origin_says_where_that_is(
    post: Post, tmp_path: Path
) -> None:
    await post.put(GivenUp("mapper", ACCEPTED, value=b"\0" * 5_000_000, offset=7))

    told_ = await post.redrive()
    saved = await post.command("show", "mapper:0", "--raw", str(tmp_path / "body"))

    assert f"(5000000 bytes): it is only on {post.kafka.prefix}{ACCEPTED}, partition 0, offset 7" in told_
    assert (saved.code, (tmp_path / "body").exists()) == (1, False)


async def test_a_record_that_is_larger_than_its_topic_takes_is_refused_by_name(post: Post) -> None:
    await post.put(GivenUp("mapper", ACCEPTED, value=b"\0" * 3_000_000), ONE)

    told_ = await post.redrive()

    assert "skipped mapper:0: too large to be published by us (3001" in told_
    assert "redriven mapper:1" in told_


async def test_no_more_records_a_second_are_published_than_asked(post: Post) -> None:
    await post.put(*[ONE] * 7)

    await post.redrive("--rate", "10")

    records = await post.redriven(ACCEPTED, 7)
    times = sorted(record.timestamp for record in records)
    assert times[-1] - times[0] >= 550  # two every 200 ms


async def started(post: Post, *options: str) -> Process:
    """A redrive as a process of its own."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "dead-letters", "redrive", "--yes", "--reason", "mended", *options),
        env={**os.environ, **post.environ},
        stdout=PIPE,
    )


async def test_a_redrive_that_dies_before_its_act_is_written_is_done_again(post: Post) -> None:
    await post.put(ONE)
    async with post.pool.transaction() as connection:
        await connection.execute("lock table operations.act in exclusive mode")
        dying = await started(post)
        await post.kafka.read(ACCEPTED, 1, seconds=60)
        dying.send_signal(signal.SIGKILL)
        await dying.wait()

    assert [row["redriven_at"] for row in await post.listed()] == [None]
    await post.redrive()

    first, second = await post.redriven(ACCEPTED, 2)
    assert (first.key, first.value) == (second.key, second.value)
    assert len(await acts.latest(post.pool, limit=5)) == 1


async def test_ctrl_c_ends_a_redrive_between_two_letters_and_the_next_one_goes_on(post: Post) -> None:
    await post.put(*[ONE] * 30)
    slow = await started(post, "--rate", "1")
    await until(lambda: any_act(post), seconds=60)
    slow.send_signal(signal.SIGINT)

    assert await slow.wait() == 130
    done = await acts.latest(post.pool, limit=50)
    assert len(done) < 30
    assert await post.redrive("--rate", "1000")
    assert {act.about for act in await acts.latest(post.pool, limit=50)} == {f"mapper:{n}" for n in range(30)}


async def any_act(post: Post) -> bool:
    return await acts.latest(post.pool, limit=1) != []
