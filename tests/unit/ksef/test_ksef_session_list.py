"""The list of a context's sessions over real HTTP: filters, pages, what is read from it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from ksef import (
    BrokenContract,
    OperatorNeeded,
    RateGroup,
    RateLimited,
    SessionPhase,
    SessionStatusGroup,
    SessionType,
)
from tests.support.ksef_script import (
    NOW,
    SESSION,
    Cut,
    Reply,
    gateway_page,
    ok,
    problem,
    session_entry,
)

LIST = "GET /sessions"
SECOND = "20261119-SO-0000000001-0000000002-0A"
THIRD = "20261118-SO-0000000003-0000000004-0B"


def online(company):
    return company.sessions(session_type=SessionType.ONLINE)


async def test_a_session_is_read_with_all_its_counters(server, company):
    entry = session_entry(
        code=200,
        dateCreated="2026-11-20T09:00:00.1234567+00:00",
        dateUpdated="2026-11-20T11:30:00+01:00",
        validUntil="2026-11-20T21:00:00.1234567+00:00",
        totalInvoiceCount=5,
        successfulInvoiceCount=3,
        failedInvoiceCount=2,
        somethingNew={},
    )
    server.will(LIST, ok({"sessions": [entry], "somethingNew": 1}))

    (session,) = await online(company)

    assert (session.reference, session.phase, session.code) == (SESSION, SessionPhase.DONE, 200)
    assert session.created_at == datetime(2026, 11, 20, 9, 0, 0, 123456, tzinfo=UTC)
    assert session.updated_at == datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
    assert session.valid_until == datetime(2026, 11, 20, 21, 0, 0, 123456, tzinfo=UTC)
    assert (session.invoice_count, session.accepted_count, session.failed_count) == (5, 3, 2)


async def test_counters_and_an_end_that_are_left_out_are_none_there(server, company):
    entry = session_entry(totalInvoiceCount=None, successfulInvoiceCount=None, validUntil=None)
    del entry["failedInvoiceCount"]
    server.will(LIST, ok({"sessions": [entry]}))

    (session,) = await online(company)

    assert (session.invoice_count, session.accepted_count, session.failed_count) == (0, 0, 0)
    assert session.valid_until is None


async def test_without_filters_only_the_type_is_asked_for_and_the_largest_page(server, company):
    server.will(LIST, ok({"sessions": []}))

    assert await online(company) == ()
    assert await company.sessions(session_type=SessionType.BATCH) == ()

    assert [call.query for call in server.calls(LIST)] == [
        "sessionType=Online&pageSize=1000",
        "sessionType=Batch&pageSize=1000",
    ]


async def test_filters_go_out_in_utc_and_every_status_by_itself(server, company):
    server.will(LIST, ok({"sessions": []}))
    warsaw = timezone(timedelta(hours=1))

    await company.sessions(
        session_type=SessionType.ONLINE,
        created_from=NOW,
        created_to=datetime(2026, 11, 20, 13, 0, 0, 250, tzinfo=warsaw),
        modified_from=datetime(2026, 11, 20, 10, 15, 30, tzinfo=UTC),
        modified_to=datetime(2026, 11, 21, tzinfo=UTC),
        statuses=[SessionStatusGroup.IN_PROGRESS, SessionStatusGroup.CANCELLED],
    )

    assert server.calls(LIST)[0].query.split("&") == [
        "sessionType=Online",
        "pageSize=1000",
        "dateCreatedFrom=2026-11-20T09%3A00%3A00.000000Z",
        "dateCreatedTo=2026-11-20T12%3A00%3A00.000250Z",
        "dateModifiedFrom=2026-11-20T10%3A15%3A30.000000Z",
        "dateModifiedTo=2026-11-21T00%3A00%3A00.000000Z",
        "statuses=InProgress",
        "statuses=Cancelled",
    ]


async def test_a_bound_without_an_offset_is_never_sent(server, company):
    with pytest.raises(ValueError, match="without an offset"):
        await company.sessions(
            session_type=SessionType.ONLINE,
            created_from=datetime(2026, 11, 20),  # noqa: DTZ001  the mistake under test
        )

    assert server.calls(LIST) == []


async def test_all_pages_are_read_with_the_same_filters(server, company):
    server.will(
        LIST,
        ok({"continuationToken": "W3sidG9rZW4iOm51bGx9XQ==", "sessions": [session_entry(SESSION)]}),
        ok({"continuationToken": "t2", "sessions": [session_entry(SECOND)]}),
        ok({"continuationToken": None, "sessions": [session_entry(THIRD)]}),
    )

    sessions = await company.sessions(
        session_type=SessionType.ONLINE, statuses=[SessionStatusGroup.SUCCEEDED]
    )

    assert [session.reference for session in sessions] == [SESSION, SECOND, THIRD]
    calls = server.calls(LIST)
    assert [call.headers.get("x-continuation-token") for call in calls] == [
        None,
        "W3sidG9rZW4iOm51bGx9XQ==",
        "t2",
    ]
    assert {call.query for call in calls} == {"sessionType=Online&pageSize=1000&statuses=Succeeded"}


@pytest.mark.parametrize("lost", [Cut(), gateway_page(502)])
async def test_a_page_whose_answer_was_lost_is_asked_for_again_from_where_it_was(
    server, company, hooks, lost
):
    server.will(
        LIST,
        ok({"continuationToken": "t1", "sessions": [session_entry(SESSION)]}),
        lost,
        ok({"sessions": [session_entry(SECOND)]}),
    )

    sessions = await online(company)

    assert [session.reference for session in sessions] == [SESSION, SECOND]
    tokens = [call.headers.get("x-continuation-token") for call in server.calls(LIST)]
    assert tokens == [None, "t1", "t1"]
    assert hooks.pauses == [0.25]


async def test_each_page_is_booked_in_the_group_of_session_lists(server, company, hooks):
    server.will(
        LIST,
        ok({"continuationToken": "t1", "sessions": []}),
        ok({"sessions": []}),
    )

    await online(company)

    planned = [call.group for call in hooks.planned if call.route == "sessions"]
    assert planned == [RateGroup.SESSION_LIST, RateGroup.SESSION_LIST]
    assert RateGroup.SESSION_LIST.value == "sessionList"


async def test_a_page_over_the_limit_fails_the_whole_list(server, company):
    server.will(
        LIST,
        ok({"continuationToken": "t1", "sessions": [session_entry()]}),
        Reply(429, headers={"Retry-After": "30"}),
    )

    with pytest.raises(RateLimited) as caught:
        await online(company)

    assert (caught.value.retry_after_seconds, caught.value.group) == (30, "sessionList")


async def test_a_caller_who_may_list_nothing_needs_an_operator(server, company):
    server.will(
        LIST,
        problem(
            403,
            title="Forbidden",
            detail="x",
            reasonCode="missing-permissions",
            security={"requiredAnyOfPermissions": ["InvoiceWrite", "Introspection"]},
        ),
    )

    with pytest.raises(OperatorNeeded, match="InvoiceWrite, Introspection"):
        await online(company)


async def test_a_list_that_runs_in_circles_is_a_broken_contract(server, company):
    server.will(LIST, ok({"continuationToken": "again", "sessions": [session_entry()]}))

    with pytest.raises(BrokenContract, match="/sessions: the list does not end"):
        await online(company)

    assert len(server.calls(LIST)) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"continuationToken": None},
        {"sessions": [{"referenceNumber": SESSION}]},
        {"sessions": [session_entry(dateCreated="yesterday")]},
        {"sessions": [session_entry("../online")]},
    ],
    ids=["no list", "no status", "no time", "no reference"],
)
async def test_a_list_outside_the_contract_is_told_so(server, company, body):
    server.will(LIST, ok(body))

    with pytest.raises(BrokenContract, match="sessions"):
        await online(company)
