"""Online sessions over real HTTP: opening, sending, looking, closing, receipts, limits."""

import base64
from datetime import UTC, datetime

import pytest

from ksef import (
    FA_3,
    Accepted,
    AmbiguousResult,
    BrokenContract,
    InvoicingMode,
    OperatorNeeded,
    Pending,
    Rate,
    RateLimited,
    Refused,
    SendRemedy,
    SessionKey,
    SessionLimits,
    SessionPhase,
    TransientError,
    remedy_for_send,
)
from tests.support.ksef_script import (
    INVOICE,
    KSEF_NUMBER,
    NOW,
    SESSION,
    Cut,
    Reply,
    gateway_page,
    invoice_entry,
    ok,
    problem,
    refusal,
    session_opened,
    stamp,
)

OPEN = "POST /sessions/online"
SEND = f"POST /sessions/online/{SESSION}/invoices"
CLOSE = f"POST /sessions/online/{SESSION}/close"
STATUS = f"GET /sessions/{SESSION}"
LIST = f"GET /sessions/{SESSION}/invoices"
ONE = f"GET /sessions/{SESSION}/invoices/{INVOICE}"
KEY = SessionKey(bytes(range(32)), bytes(range(16)))
XML = "<Faktura>Zażółć</Faktura>".encode()
INVOICE_TO_SEND = KEY.encrypt_invoice(XML)


def send(company):
    return company.send_invoice(SESSION, invoice=INVOICE_TO_SEND, mode=InvoicingMode.ONLINE)


async def test_opening_hands_over_the_form_the_wrapped_key_and_the_vector(server, company, ministry_key):
    server.will(OPEN, session_opened())

    session = await company.open_online_session(form_code=FA_3, key=KEY)

    assert session.reference == SESSION
    assert session.valid_until == datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
    body = server.calls(OPEN)[0].json
    assert body["formCode"] == {"systemCode": "FA (3)", "schemaVersion": "1-0E", "value": "FA"}
    assert ministry_key.decrypt(body["encryption"]["encryptedSymmetricKey"]) == bytes(range(32))
    assert base64.b64decode(body["encryption"]["initializationVector"]) == bytes(range(16))
    assert body["encryption"]["publicKeyId"] == ministry_key.id


async def test_a_rotated_public_key_is_fetched_and_the_session_opened_once_more(
    server, company, ministry_key, newer_key
):
    await company.log_in()
    server.will(OPEN, refusal(21470), session_opened())
    server.will("GET /security/public-key-certificates", ok([newer_key.entry(valid_from=NOW)]))

    await company.open_online_session(form_code=FA_3, key=KEY)

    first, second = (call.json["encryption"] for call in server.calls(OPEN))
    assert (first["publicKeyId"], second["publicKeyId"]) == (ministry_key.id, newer_key.id)
    assert newer_key.decrypt(second["encryptedSymmetricKey"]) == bytes(range(32))


async def test_a_key_refused_twice_is_a_refusal(server, company):
    server.will(OPEN, refusal(21470))

    with pytest.raises(Refused) as caught:
        await company.open_online_session(form_code=FA_3, key=KEY)

    assert caught.value.codes == {21470}
    assert len(server.calls(OPEN)) == 2


@pytest.mark.parametrize("lost", [Cut(), gateway_page(502)])
async def test_a_session_whose_opening_was_not_answered_may_be_opened_again(server, company, lost):
    server.will(OPEN, lost, session_opened())

    with pytest.raises(TransientError, match="start over"):
        await company.open_online_session(form_code=FA_3, key=KEY)

    assert len(server.calls(OPEN)) == 1
    assert (await company.open_online_session(form_code=FA_3, key=KEY)).reference == SESSION


@pytest.mark.parametrize(
    "body",
    [
        {"validUntil": stamp(NOW)},
        {"referenceNumber": "a/b", "validUntil": stamp(NOW)},
        {"referenceNumber": SESSION, "validUntil": "?"},
    ],
)
async def test_an_opened_session_that_cannot_be_named_is_a_broken_contract(server, company, body):
    server.will(OPEN, ok(body, 201))

    with pytest.raises(BrokenContract):
        await company.open_online_session(form_code=FA_3, key=KEY)


async def test_sending_declares_both_forms_of_the_document(server, company):
    server.will(SEND, ok({"referenceNumber": INVOICE, "somethingNew": {}}, 202))

    assert await send(company) == INVOICE

    body = server.calls(SEND)[0].json
    assert KEY.decrypt(base64.b64decode(body["encryptedInvoiceContent"], validate=True)) == XML
    assert body["invoiceSize"] == 29
    assert body["encryptedInvoiceSize"] == 32
    assert body["invoiceHash"] == INVOICE_TO_SEND.invoice_hash
    assert body["encryptedInvoiceHash"] == INVOICE_TO_SEND.encrypted_hash
    assert body["offlineMode"] is False
    assert server.calls(SEND)[0].headers["content-type"] == "application/json"


async def test_an_offline_invoice_is_declared_as_one(server, company):
    server.will(SEND, ok({"referenceNumber": INVOICE}, 202))

    await company.send_invoice(SESSION, invoice=INVOICE_TO_SEND, mode=InvoicingMode.OFFLINE)

    assert server.calls(SEND)[0].json["offlineMode"] is True


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(Cut(), id="connection closed after the body"),
        pytest.param(Cut(b"HTTP/1.1 202 Accepted\r\ncontent-length: 80\r\n\r\n{"), id="cut in the answer"),
        pytest.param(gateway_page(502), id="gateway page"),
        pytest.param(gateway_page(500), id="500"),
        pytest.param(gateway_page(202), id="HTML with 202"),
        pytest.param(ok({"referenceNumber": None}, 202), id="no reference"),
        pytest.param(ok({"referenceNumber": "../x"}, 202), id="a reference that is none"),
        pytest.param(Reply(202), id="empty 202"),
    ],
)
async def test_a_send_without_a_readable_answer_is_ambiguous_and_never_repeated(server, company, lost):
    server.will(SEND, lost)

    with pytest.raises(AmbiguousResult) as caught:
        await send(company)

    assert caught.value.route == "send_invoice"
    assert len(server.calls(SEND)) == 1


async def test_a_send_refused_for_its_token_is_made_again_with_a_new_one(server, company):
    server.will(SEND, Reply(401), ok({"referenceNumber": INVOICE}, 202))

    assert await send(company) == INVOICE

    first, second = server.calls(SEND)
    assert first.body == second.body
    assert (first.bearer, second.bearer) == ("eyJ.secret-access-1.sig", "eyJ.secret-access-2.sig")


async def test_a_login_that_fails_during_a_send_leaves_no_doubt_about_the_send(server, company):
    server.will(SEND, Reply(401))
    server.will("POST /auth/token/refresh", refusal(21301))
    await company.log_in()
    server.will("POST /auth/token/redeem", Cut())

    with pytest.raises(TransientError):
        await send(company)


async def test_a_closed_session_refuses_a_send_and_the_remedy_is_another_session(server, company):
    server.will(SEND, refusal(21180))

    with pytest.raises(Refused) as caught:
        await send(company)

    assert remedy_for_send(caught.value) is SendRemedy.NEW_SESSION


async def test_a_limited_send_says_how_long_and_for_which_group(server, company):
    server.will(SEND, Reply(429, headers={"Retry-After": "41"}))

    with pytest.raises(RateLimited, match="41 s") as caught:
        await send(company)

    assert (caught.value.retry_after_seconds, caught.value.group) == (41, "invoiceSend")


async def test_a_send_without_permission_needs_an_operator(server, company):
    server.will(SEND, problem(403, title="Forbidden", detail="x", reasonCode="insufficient-resource-access"))

    with pytest.raises(OperatorNeeded) as caught:
        await send(company)

    assert caught.value.reason_code == "insufficient-resource-access"


async def test_closing_is_answered_without_a_body(server, company):
    server.will(CLOSE, Reply(204))

    await company.close_online_session(SESSION)

    assert server.calls(CLOSE)[0].headers["content-length"] == "0"


async def test_a_page_of_some_gateway_is_no_proof_that_a_session_was_closed(server, company):
    server.will(CLOSE, gateway_page(200))

    with pytest.raises(AmbiguousResult):
        await company.close_online_session(SESSION)


async def test_a_session_with_nulls_for_zeros_is_read(server, company):
    server.will(
        STATUS,
        ok(
            {
                "status": {"code": 200, "description": "Sesja przetworzona", "details": ["a", None]},
                "dateCreated": "2026-11-20T09:00:00.1234567+00:00",
                "dateUpdated": "2026-11-20T10:00:00+01:00",
                "validUntil": None,
                "invoiceCount": 2,
                "successfulInvoiceCount": 2,
                "failedInvoiceCount": None,
                "upo": {"pages": []},
                "somethingNew": 1,
            }
        ),
    )

    status = await company.session_status(SESSION)

    assert (status.phase, status.code, status.details) == (SessionPhase.DONE, 200, ("a",))
    assert (status.invoice_count, status.accepted_count, status.failed_count) == (2, 2, 0)
    assert status.created_at == datetime(2026, 11, 20, 9, 0, 0, 123456, tzinfo=UTC)
    assert status.updated_at == NOW
    assert status.valid_until is None


async def test_an_accepted_invoice_is_read(server, company):
    server.will(
        ONE,
        ok(
            invoice_entry(
                7,
                ksefNumber=KSEF_NUMBER,
                acquisitionDate="2026-11-20T09:00:01+00:00",
                invoiceNumber="FV/1",
                invoicingMode="Telepathic",
                permanentStorageDate=None,
            )
        ),
    )

    status = await company.invoice_status(SESSION, INVOICE)

    assert status.verdict == Accepted(KSEF_NUMBER, datetime(2026, 11, 20, 9, 0, 1, tzinfo=UTC))
    assert (status.reference, status.ordinal, status.invoice_number) == (INVOICE, 7, "FV/1")
    assert status.invoice_hash == "aLPQeU4oe2E9f/0NIzMrvgbsut7r0ZpZAe1sj9zBp8M="
    assert status.mode == "Telepathic"
    assert status.permanent_storage_at is None


async def test_an_invoice_without_its_declared_hash_is_read_too(server, company):
    entry = invoice_entry(code=150)
    del entry["invoiceHash"]
    server.will(ONE, ok(entry))

    status = await company.invoice_status(SESSION, INVOICE)

    assert (status.verdict, status.invoice_hash) == (Pending(), None)


async def test_a_list_is_followed_to_its_last_page(server, company):
    server.will(
        LIST,
        ok({"continuationToken": "t1", "invoices": [invoice_entry(1), invoice_entry(2)]}),
        ok({"continuationToken": "t2", "invoices": []}),
        ok({"continuationToken": "", "invoices": [invoice_entry(3)]}),
    )

    invoices = await company.session_invoices(SESSION)

    assert [invoice.ordinal for invoice in invoices] == [1, 2, 3]
    assert [call.headers.get("x-continuation-token") for call in server.calls(LIST)] == [None, "t1", "t2"]
    assert {call.query for call in server.calls(LIST)} == {"pageSize=1000"}


async def test_an_empty_session_has_an_empty_list(server, company):
    server.will(LIST, ok({"invoices": []}))

    assert await company.session_invoices(SESSION) == ()


async def test_a_page_that_cannot_be_had_fails_the_whole_list(server, company):
    server.will(
        LIST,
        ok({"continuationToken": "t1", "invoices": [invoice_entry(1)]}),
        Reply(429, headers={"Retry-After": "9"}),
    )

    with pytest.raises(RateLimited):
        await company.session_invoices(SESSION)


async def test_a_list_that_runs_in_circles_is_a_broken_contract(server, company):
    server.will(LIST, ok({"continuationToken": "again", "invoices": [invoice_entry(1)]}))

    with pytest.raises(BrokenContract, match="does not end"):
        await company.session_invoices(SESSION)

    assert len(server.calls(LIST)) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"continuationToken": None},
        {"invoices": [{"ordinalNumber": 1}]},
        {"invoices": [invoice_entry(acquisitionDate="yesterday")]},
    ],
)
async def test_a_list_outside_the_contract_is_told_so(server, company, body):
    server.will(LIST, ok(body))

    with pytest.raises(BrokenContract, match="session_invoices"):
        await company.session_invoices(SESSION)


@pytest.mark.parametrize("by_number", [False, True])
async def test_a_receipt_is_handed_over_as_it_came(server, company, by_number):
    path = f"ksef/{KSEF_NUMBER}" if by_number else INVOICE
    body = "<Potwierdzenie>ż</Potwierdzenie>".encode()
    server.will(
        f"GET /sessions/{SESSION}/invoices/{path}/upo",
        Reply(200, body, {"content-type": "application/xml", "x-ms-meta-hash": "abc="}),
    )

    fetched = await (
        company.upo_by_ksef_number(SESSION, KSEF_NUMBER)
        if by_number
        else company.invoice_upo(SESSION, INVOICE)
    )

    assert (fetched.xml, fetched.announced_hash) == (body, "abc=")


async def test_a_receipt_that_is_not_there_yet_is_a_refusal(server, company):
    server.will(f"GET /sessions/{SESSION}/invoices/{INVOICE}/upo", refusal(21178))

    with pytest.raises(Refused) as caught:
        await company.invoice_upo(SESSION, INVOICE)

    assert caught.value.codes == {21178}


async def test_sizes_are_told_in_bytes_of_the_decimal_kind(server, company):
    limits = {"maxInvoiceSizeInMB": 1, "maxInvoiceWithAttachmentSizeInMB": 3, "maxInvoices": 10000}
    server.will(
        "GET /limits/context",
        ok(
            {"onlineSession": limits, "batchSession": limits | {"maxInvoices": 5}, "collectiveIdentifier": {}}
        ),
    )

    told = await company.context_limits()

    assert told.online_session == SessionLimits(1_000_000, 3_000_000, 10_000)
    assert told.batch_session.max_invoices == 5


async def test_rates_are_told_by_group_and_minus_one_means_none(server, company):
    server.will(
        "GET /rate-limits",
        ok(
            {
                "invoiceSend": {"perSecond": 10, "perMinute": 30, "perHour": 180},
                "anonymous": {"perSecond": 60, "perMinute": -1, "perHour": -1},
                "brandNew": {"perSecond": 1, "perMinute": 2, "perHour": 3, "perDay": 4},
                "comment": "text",
                "partial": {"perSecond": 1},
            }
        ),
    )

    assert await company.rate_limits() == {
        "invoiceSend": Rate(10, 30, 180),
        "anonymous": Rate(60, None, None),
        "brandNew": Rate(1, 2, 3),
    }
