"""What an HTTP answer means, without a network: every status against every kind of route."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksef import (
    ROUTES,
    AmbiguousResult,
    BrokenContract,
    KsefError,
    OperatorNeeded,
    Problem,
    RateLimited,
    Refused,
    SendRemedy,
    TransientError,
    Unauthorized,
    WhenLost,
    remedy_for_send,
    wire,
)
from ksef.answers import RETRY_AFTER_FALLBACK_SECONDS, error_for, no_answer, not_sent, read_answer
from ksef.http import HttpResponse
from ksef.problems import read_error_body
from ksef.routes import OPEN_ONLINE_SESSION, SEND_INVOICE, SESSION_STATUS

HTML = b"<html><body>Service Unavailable</body></html>"
LOOKED_UP = [route for route in ROUTES if route.when_lost is WhenLost.LOOK_UP]


def answer(status, body=b"", **headers):
    return HttpResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def problems(**members):
    return json.dumps(members).encode()


def test_sending_and_closing_are_the_routes_to_be_looked_up():
    assert {route.name for route in LOOKED_UP} == {"send_invoice", "close_online_session"}


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_2xx_is_no_error(status):
    assert error_for(SEND_INVOICE, answer(status)) is None


@pytest.mark.parametrize("status", [302, 408, 500, 502, 503, 504, 599])
def test_a_send_with_a_doubtful_answer_is_ambiguous(status):
    error = error_for(SEND_INVOICE, answer(status, HTML))

    assert isinstance(error, AmbiguousResult)
    assert "look it up" in str(error)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_read_with_the_same_answer_is_transient(status):
    assert type(error_for(SESSION_STATUS, answer(status, HTML))) is TransientError


@pytest.mark.parametrize("status", [100, 302, 307])
def test_a_redirected_read_is_a_broken_contract(status):
    assert isinstance(error_for(SESSION_STATUS, answer(status)), BrokenContract)


def test_a_session_opened_without_an_answer_may_be_opened_again():
    error = error_for(OPEN_ONLINE_SESSION, answer(502, HTML))

    assert type(error) is TransientError
    assert "start over" in str(error)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429])
def test_a_definite_4xx_proves_that_a_send_was_not_processed(status):
    error = error_for(SEND_INVOICE, answer(status, HTML))

    assert isinstance(error, Refused | RateLimited | OperatorNeeded)


@given(
    st.sampled_from(LOOKED_UP),
    st.integers(min_value=100, max_value=999).filter(lambda status: not 200 <= status < 300),
    st.binary(max_size=60),
)
def test_no_answer_to_a_send_or_close_is_ever_taken_for_unprocessed_without_a_4xx(route, status, body):
    error = error_for(route, answer(status, body))

    proven = 400 <= status < 500 and status != 408
    assert isinstance(error, AmbiguousResult) is not proven


@given(st.sampled_from(ROUTES), st.integers(min_value=300, max_value=999), st.binary(max_size=80))
def test_any_body_under_any_status_gives_an_error_of_the_tree(route, status, body):
    assert isinstance(error_for(route, answer(status, body)), KsefError)


def test_an_unreadable_receipt_of_a_send_is_ambiguous():
    with pytest.raises(AmbiguousResult, match="unreadable"):
        read_answer(SEND_INVOICE, answer(202, HTML), wire.INVOICE_TAKEN)


def test_an_unreadable_answer_to_a_read_is_a_broken_contract():
    with pytest.raises(BrokenContract, match="unreadable"):
        read_answer(SESSION_STATUS, answer(200, b'{"status": {}}'), wire.SESSION)


def test_a_lost_answer_to_a_send_is_ambiguous_and_an_unsent_one_transient():
    assert isinstance(no_answer(SEND_INVOICE, "reset"), AmbiguousResult)
    assert type(not_sent(SEND_INVOICE, "refused")) is TransientError


def test_both_error_formats_give_the_same_codes():
    modern = problems(
        title="Bad Request", errors=[{"code": 21180, "description": "Status sesji", "details": ["Zamknięta"]}]
    )
    legacy = problems(
        exception={
            "exceptionDetailList": [
                {"exceptionCode": 21180, "exceptionDescription": "Status sesji", "details": ["Zamknięta"]}
            ],
            "timestamp": "2026-11-20T09:00:00Z",
        }
    )

    assert read_error_body(modern).problems == (Problem(21180, "Status sesji", ("Zamknięta",)),)
    assert read_error_body(legacy).problems == read_error_body(modern).problems


def test_a_refusal_carries_codes_texts_and_the_support_number():
    body = problems(errors=[{"code": 21405, "description": "Błąd walidacji"}, {"code": 21402}], traceId="abc")

    error = error_for(SEND_INVOICE, answer(400, body))

    assert isinstance(error, Refused)
    assert error.codes == {21405, 21402}
    assert error.trace_id == "abc"
    assert error.route == "send_invoice"
    assert "21405 Błąd walidacji" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        HTML,
        b"[]",
        b"null",
        b'{"errors": null}',
        b'{"errors": [null, 5, {"code": "x"}, {"code": true}]}',
        b'{"exception": {"exceptionDetailList": null}}',
        b'{"errors": [{"code": 1, "details": null}]}',
        b"{" * 100_000,
        b'{"errors": [{"code": 1, "description": "' + b"x" * 2_000_000 + b'"}]}',
        b"\xff\xfe",
    ],
)
def test_a_400_with_any_body_is_a_refusal(body):
    assert isinstance(error_for(SEND_INVOICE, answer(400, body)), Refused)


@given(st.binary(max_size=300))
def test_reading_an_error_body_never_raises(body):
    read_error_body(body)


def test_a_long_refusal_is_cut():
    body = problems(errors=[{"code": 1, "description": "x" * 5000, "details": ["y" * 5000] * 30}])

    problem = read_error_body(body).problems[0]

    assert len(problem.description) == 1000
    assert len(problem.details) == 20


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30),
        (" 7 ", 7),
        ("0", 1),
        ("-5", 60),
        ("1.5", 60),
        ("soon", 60),
        ("", 60),
        ("²", 60),
        ("9" * 40, 60),
    ],
)
def test_the_pause_of_a_429_is_whole_seconds_and_at_least_one(header, seconds):
    error = error_for(SEND_INVOICE, answer(429, retry_after=header))

    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == seconds
    assert error.group == "invoiceSend"


def test_a_429_without_a_pause_has_the_documented_fallback():
    error = error_for(SEND_INVOICE, answer(429, HTML))

    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == RETRY_AFTER_FALLBACK_SECONDS == 60


def test_missing_permissions_are_named():
    body = problems(
        title="Forbidden",
        status=403,
        detail="Brak uprawnień",
        reasonCode="missing-permissions",
        security={"requiredAnyOfPermissions": ["InvoiceWrite"], "presentPermissions": []},
    )

    error = error_for(SEND_INVOICE, answer(403, body))

    assert isinstance(error, OperatorNeeded)
    assert error.reason_code == "missing-permissions"
    assert "InvoiceWrite" in str(error)


def test_a_firewall_page_needs_an_operator():
    error = error_for(SEND_INVOICE, answer(403, HTML))

    assert type(error) is OperatorNeeded
    assert error.reason_code == "forbidden"


@pytest.mark.parametrize(("status", "body"), [(401, b""), (401, HTML), (403, b"")])
def test_a_refused_token_is_recognised_without_a_body(status, body):
    assert isinstance(error_for(SEND_INVOICE, answer(status, body)), Unauthorized)


@pytest.mark.parametrize(
    ("codes", "remedy"),
    [
        ([21180], SendRemedy.NEW_SESSION),
        ([21155], SendRemedy.NEW_SESSION),
        ([21173], SendRemedy.NEW_SESSION),
        ([21184], SendRemedy.WAIT),
        ([21402], SendRemedy.FIX_CLIENT),
        ([21403], SendRemedy.FIX_CLIENT),
        ([21405], SendRemedy.FIX_CLIENT),
        ([21001], SendRemedy.FIX_CLIENT),
        ([99999, 21184], SendRemedy.WAIT),
        ([99999], SendRemedy.UNKNOWN),
        ([], SendRemedy.UNKNOWN),
    ],
)
def test_a_refused_send_has_a_remedy(codes, remedy):
    body = problems(errors=[{"code": code, "description": ""} for code in codes])
    error = error_for(SEND_INVOICE, answer(400, body))

    assert isinstance(error, Refused)
    assert remedy_for_send(error) is remedy
