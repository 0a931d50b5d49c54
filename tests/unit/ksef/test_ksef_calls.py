"""One call and its surroundings: hooks, repeats, what is replayed and what never is."""

import asyncio
import socket

import pytest

from ksef import (
    AmbiguousResult,
    ContextId,
    ContextType,
    Environment,
    Failure,
    HttpxTransport,
    KsefClient,
    RateLimited,
    RepeatPolicy,
    TokenCredential,
    TransientError,
)
from ksef.calls import Caller, Ports, Request
from ksef.http import HttpResponse
from ksef.routes import CHALLENGE, SEND_INVOICE
from tests.support.ksef_script import (
    NOW,
    SESSION,
    TOKEN,
    Cut,
    Hang,
    Reply,
    gateway_page,
    http_options,
    ok,
    stamp,
)

COMPANY = ContextId(ContextType.NIP, "5265877635")
STATUS = f"GET /sessions/{SESSION}"
CLOSE = f"POST /sessions/online/{SESSION}/close"
BODY = ok({"status": {"code": 100}, "dateCreated": stamp(NOW), "dateUpdated": stamp(NOW)})


async def test_hooks_see_every_request_repeats_included(server, company, hooks):
    await company.log_in()
    server.will(STATUS, gateway_page(502), Cut(), BODY)

    await company.session_status(SESSION)

    seen = [(call.route, call.status, call.failure) for call in hooks.finished[-3:]]
    assert seen == [
        ("session_status", 502, None),
        ("session_status", None, Failure.ANSWER_LOST),
        ("session_status", 200, None),
    ]
    assert [call.group for call in hooks.planned[-3:]] == ["sessionMisc"] * 3
    assert len(hooks.planned) == len(hooks.finished) == len(server.received)


async def test_hooks_know_the_context_and_the_time_a_call_took(server, company, hooks):
    await company.log_in()

    assert {call.context for call in hooks.finished[1:]} == {COMPANY}
    assert hooks.finished[0].context is None
    assert all(0 < call.seconds < 10 for call in hooks.finished)


async def test_a_system_warning_reaches_the_observer(server, company, hooks):
    server.will(STATUS, Reply(200, BODY.body, {"X-System-Warning": "[xml-002]: odd characters"}))

    await company.session_status(SESSION)

    assert hooks.finished[-1].warning == "[xml-002]: odd characters"


async def test_repeats_end_after_the_allowed_attempts(server, company, hooks):
    await company.log_in()
    server.will(STATUS, gateway_page(502))

    with pytest.raises(TransientError, match="502"):
        await company.session_status(SESSION)

    assert len(server.calls(STATUS)) == 3
    assert hooks.pauses == [0.25, 0.5]


async def test_a_limit_is_never_waited_for_inside(server, company, hooks):
    await company.log_in()
    server.will(STATUS, Reply(429, headers={"Retry-After": "17"}))

    with pytest.raises(RateLimited) as caught:
        await company.session_status(SESSION)

    assert caught.value.retry_after_seconds == 17
    assert len(server.calls(STATUS)) == 1
    assert not hooks.pauses


@pytest.mark.parametrize("lost", [Cut(), gateway_page(502), gateway_page(503)])
async def test_a_close_whose_answer_is_lost_is_ambiguous_and_not_repeated(server, company, lost):
    server.will(CLOSE, lost)

    with pytest.raises(AmbiguousResult):
        await company.close_online_session(SESSION)

    assert len(server.calls(CLOSE)) == 1


async def test_an_unreachable_ksef_is_transient_and_nothing_was_sent(clock, hooks):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with KsefClient(
        Environment("gone", f"http://127.0.0.1:{port}/v2"),
        transport=HttpxTransport(http_options()),
        repeat=RepeatPolicy(attempts=1, first_pause_seconds=0),
        clock=clock,
        on_call=hooks.on_call,
    ) as client:
        with pytest.raises(TransientError, match="nothing was sent"):
            await client.context(COMPANY, TokenCredential(TOKEN)).log_in()

    assert [call.failure for call in hooks.finished] == [Failure.NOT_SENT]


async def test_closing_the_client_ends_a_login_under_way(server, clock):
    server.will("POST /auth/challenge", Hang())
    repeat = RepeatPolicy(attempts=1, first_pause_seconds=0)
    transport = HttpxTransport(http_options())
    async with KsefClient(
        Environment("scripted", server.url), transport=transport, repeat=repeat, clock=clock
    ) as client:
        login = asyncio.create_task(client.context(COMPANY, TokenCredential(TOKEN)).log_in())
        await server.first_request()
        began = asyncio.get_running_loop().time()

    assert asyncio.get_running_loop().time() - began < 2
    with pytest.raises(asyncio.CancelledError):
        await login


class Script:
    """A transport of one method is enough: a simulator in the same process goes in like this."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.sent = []

    async def send(self, request):
        self.sent.append(request)
        return self.answers.pop(0)


def caller(transport, **hooks):
    async def sleep(_seconds):
        return None

    ports = Ports(transport=transport, sleep=sleep, timer=lambda: 0.0, **hooks)
    return Caller(
        Environment("scripted", "http://127.0.0.1:1/v2"),
        ports=ports,
        repeat=RepeatPolicy(attempts=3, first_pause_seconds=0),
    )


async def test_what_the_booking_hook_raises_reaches_the_caller_and_nothing_is_sent():
    transport = Script()

    async def full(_call):
        raise LookupError("budget used up")

    with pytest.raises(LookupError, match="used up"):
        await caller(transport, before_call=full).call(Request(CHALLENGE), context=None)

    assert not transport.sent


async def test_an_observer_that_fails_does_not_fail_the_call(caplog):
    def broken(_call):
        raise ZeroDivisionError

    response = await caller(Script(HttpResponse(200, {}, b"{}")), on_call=broken).call(
        Request(CHALLENGE), context=None
    )

    assert response.status == 200
    assert "on_call_failed" in caplog.text


async def test_a_route_is_not_called_with_the_wrong_kind_of_token():
    with pytest.raises(ValueError, match="accessToken"):
        await caller(Script()).call(Request(SEND_INVOICE, (SESSION,)), context=None)


@pytest.mark.parametrize("reference", ["..", "a/b", "", "x?y", "ą", "a" * 65, "a\n"])
async def test_a_reference_that_would_lead_elsewhere_is_not_put_into_a_path(server, company, reference):
    await company.log_in()
    before = len(server.received)

    with pytest.raises(ValueError, match="no reference number"):
        await company.session_status(reference)

    assert len(server.received) == before


@pytest.mark.parametrize(("attempts", "pause"), [(0, 1.0), (1, -1.0)])
def test_a_repeat_policy_without_sense_is_refused(attempts, pause):
    with pytest.raises(ValueError, match="repeat policy"):
        RepeatPolicy(attempts=attempts, first_pause_seconds=pause)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.ksef.mf.gov.pl/v2",
        "ftp://127.0.0.1/v2",
        "api.ksef.mf.gov.pl/v2",
        "https://user:pw@api.ksef.mf.gov.pl/v2",
        "https://api.ksef.mf.gov.pl/v2/",
        "https://api.ksef.mf.gov.pl/v2?x=1",
    ],
)
def test_an_address_that_cannot_be_right_is_refused(url):
    with pytest.raises(ValueError, match="wrong-env"):
        Environment("wrong-env", url)


def test_a_named_host_of_a_private_network_may_do_without_tls():
    assert Environment("rehearsal", "http://simulator:8080/v2", frozenset({"simulator"}))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ContextType.NIP, "5265877635"),
        (ContextType.INTERNAL_ID, "5265877635-12345"),
        (ContextType.NIP_VAT_UE, "5265877635-DE123456789"),
        (ContextType.PEPPOL_ID, "PPL123456"),
    ],
)
def test_a_context_of_each_type_can_be_named(kind, value):
    assert str(ContextId(kind, value)) == f"{kind.value}:{value}"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ContextType.NIP, "526-587-76-35"),
        (ContextType.NIP, ""),
        (ContextType.INTERNAL_ID, "5265877635"),
        (ContextType.PEPPOL_ID, "5265877635"),
    ],
)
def test_a_context_of_another_shape_is_refused(kind, value):
    with pytest.raises(ValueError, match="context"):
        ContextId(kind, value)
