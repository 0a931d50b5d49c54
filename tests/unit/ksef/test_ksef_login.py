"""Logging in and staying logged in, over real HTTP."""

import asyncio

import pytest

from ksef import (
    BrokenContract,
    ContextId,
    ContextType,
    OperatorNeeded,
    RateLimited,
    TokenCredential,
    TransientError,
    Unauthorized,
)
from tests.support.ksef_script import (
    AUTH,
    NOW,
    SESSION,
    TOKEN,
    Cut,
    Reply,
    gateway_page,
    jwt,
    login_status,
    ok,
    problem,
    refusal,
    script_login,
    session_opened,
    stamp,
)

CHALLENGE = "POST /auth/challenge"
LOGIN = "POST /auth/ksef-token"
STATUS = f"GET /auth/{AUTH}"
REDEEM = "POST /auth/token/redeem"
REFRESH = "POST /auth/token/refresh"
SESSION_STATUS = f"GET /sessions/{SESSION}"
SESSION_BODY = ok(
    {"status": {"code": 100, "description": ""}, "dateCreated": stamp(NOW), "dateUpdated": stamp(NOW)}
)
UNAUTHORIZED = problem(401, title="Unauthorized", status_code=401, detail="x", timestamp=stamp(NOW))


def bearers(server, operation=SESSION_STATUS):
    return [call.bearer for call in server.calls(operation)]


async def test_a_login_goes_from_challenge_to_tokens(server, company, hooks):
    await company.log_in()

    assert hooks.routes() == [
        "public_keys",
        "auth_challenge",
        "auth_ksef_token",
        "auth_status",
        "auth_redeem",
    ]
    assert [bearers(server, operation) for operation in (LOGIN, STATUS, REDEEM)] == [
        [""],
        ["eyJ.secret-op.sig"],
        ["eyJ.secret-op.sig"],
    ]


async def test_the_token_is_encrypted_with_the_challenges_own_time(server, company, ministry_key):
    await company.log_in()

    body = server.calls(LOGIN)[0].json
    assert ministry_key.decrypt(body["encryptedToken"]) == f"{TOKEN}|1795165200123".encode()
    assert body["challenge"] == "20261120-CR-2F14610000-242991F8C9-B4"
    assert body["contextIdentifier"] == {"type": "Nip", "value": "5265877635"}
    assert body["publicKeyId"] == ministry_key.id


async def test_every_request_asks_for_problem_details(server, company):
    await company.log_in()

    assert {call.headers["x-error-format"] for call in server.received} == {"problem-details"}
    assert {call.headers["user-agent"] for call in server.received} == {"ksef-tests/1"}


async def test_waiting_for_the_decision_grows_longer_each_time(server, company, hooks):
    server.will(STATUS, login_status(100), login_status(100), login_status(100), login_status(200))

    await company.log_in()

    assert hooks.pauses == [0.1, 0.2, 0.4]


async def test_a_login_that_is_never_decided_is_given_up(server, company, hooks):
    server.will(STATUS, login_status(100))

    with pytest.raises(TransientError, match="still undecided"):
        await company.log_in()

    assert sum(hooks.pauses) >= 60
    assert max(hooks.pauses) == 5.0


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (415, "login-no-permission"),
        (425, "login-revoked"),
        (450, "login-token-refused"),
        (460, "login-certificate-refused"),
        (470, "login-holder-deceased"),
        (480, "login-blocked"),
        (499, "login-refused"),
    ],
)
async def test_a_failed_login_says_what_the_operator_must_look_at(server, company, code, reason):
    server.will(STATUS, login_status(code, "Token nieaktywny"))

    with pytest.raises(OperatorNeeded, match=r"Nip:5265877635.*Token nieaktywny") as caught:
        await company.log_in()

    assert caught.value.reason_code == reason


@pytest.mark.parametrize("code", [500, 550])
async def test_trouble_of_ksef_during_login_is_transient(server, company, code):
    server.will(STATUS, login_status(code))

    with pytest.raises(TransientError, match=str(code)):
        await company.log_in()


@pytest.mark.parametrize("operation", [LOGIN, REDEEM])
@pytest.mark.parametrize("lost", [Cut(), gateway_page(502)])
async def test_a_lost_answer_is_not_repeated_but_the_next_login_starts_over(
    server, company, ministry_key, operation, lost
):
    server.will(operation, lost)
    with pytest.raises(TransientError, match="start over"):
        await company.log_in()
    assert len(server.calls(operation)) == 1

    script_login(server, ministry_key)
    await company.log_in()

    assert len(server.calls(CHALLENGE)) == 2


async def test_a_challenge_and_a_status_are_repeated_within_bounds(server, company, hooks):
    server.will(STATUS, gateway_page(502), Cut(), login_status(200))

    await company.log_in()

    assert hooks.pauses == [0.25, 0.5]


@pytest.mark.parametrize("code", [21111, 21301, 21304])
async def test_a_stale_login_is_transient(server, company, code):
    server.will(LOGIN, refusal(code))

    with pytest.raises(TransientError, match=str(code)):
        await company.log_in()


@pytest.mark.parametrize("code", [21405, 21308, 12345])
async def test_a_refused_login_needs_an_operator_and_is_no_refusal_of_the_call(server, company, code):
    server.will(LOGIN, refusal(code))

    with pytest.raises(OperatorNeeded, match=str(code)) as caught:
        await company.session_status(SESSION)

    assert caught.value.reason_code == "login-refused"


async def test_a_limited_login_says_how_long(server, company):
    server.will(LOGIN, Reply(429, headers={"Retry-After": "3"}))

    with pytest.raises(RateLimited) as caught:
        await company.log_in()

    assert (caught.value.retry_after_seconds, caught.value.group) == (3, "anonymous")


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        (LOGIN, ok({"referenceNumber": "../../evil", "authenticationToken": jwt("op")}, 202)),
        (
            LOGIN,
            ok({"referenceNumber": AUTH, "authenticationToken": {"token": "a b", "validUntil": stamp(NOW)}}),
        ),
        (REDEEM, ok({"accessToken": jwt("a"), "refreshToken": {"token": "r", "validUntil": "tomorrow"}})),
        (REDEEM, ok({"accessToken": jwt("a")})),
        (CHALLENGE, ok({"challenge": "c"})),
        (STATUS, ok({"status": None})),
    ],
)
async def test_a_login_answer_outside_the_contract_is_told_so(server, company, operation, answer):
    server.will(operation, answer)

    with pytest.raises(BrokenContract):
        await company.log_in()


async def test_a_withdrawn_public_key_is_replaced_and_the_login_made_once_more(
    server, company, newer_key, ministry_key
):
    server.will(LOGIN, refusal(21470), ok({"referenceNumber": AUTH, "authenticationToken": jwt("op")}, 202))
    old, new = ministry_key.entry(valid_from=NOW.replace(month=1)), newer_key.entry(valid_from=NOW)
    server.will("GET /security/public-key-certificates", ok([old]), ok([new]))

    await company.log_in()

    first, second = (call.json for call in server.calls(LOGIN))
    assert (first["publicKeyId"], second["publicKeyId"]) == (ministry_key.id, newer_key.id)
    assert newer_key.decrypt(second["encryptedToken"]).startswith(TOKEN.encode())


async def test_a_key_refused_twice_is_left_for_later(server, company):
    server.will(LOGIN, refusal(21470))

    with pytest.raises(TransientError, match="21470"):
        await company.log_in()

    assert len(server.calls(LOGIN)) == 2


async def test_callers_at_the_same_time_share_one_login(server, company):
    server.will(SESSION_STATUS, SESSION_BODY)

    await asyncio.gather(*(company.session_status(SESSION) for _ in range(10)))

    assert len(server.calls(REDEEM)) == 1
    assert bearers(server) == ["eyJ.secret-access-1.sig"] * 10


async def test_a_token_with_more_than_two_minutes_left_is_used_on(server, company, clock):
    server.will(SESSION_STATUS, SESSION_BODY)
    await company.log_in()

    clock.advance(minutes=12, seconds=59)
    await company.session_status(SESSION)

    assert not server.calls(REFRESH)


async def test_a_token_with_less_left_is_refreshed_once_for_all(server, company, clock):
    server.will(SESSION_STATUS, SESSION_BODY)
    await company.log_in()

    clock.advance(minutes=13, seconds=1)
    await asyncio.gather(*(company.session_status(SESSION) for _ in range(10)))

    assert bearers(server, REFRESH) == ["eyJ.secret-refresh-1.sig"]
    assert bearers(server) == ["eyJ.secret-access-2.sig"] * 10


@pytest.mark.parametrize("refused", [refusal(21301), UNAUTHORIZED])
async def test_a_revoked_refresh_token_leads_to_a_new_login(server, company, clock, refused):
    server.will(SESSION_STATUS, SESSION_BODY)
    server.will(REFRESH, refused)
    await company.log_in()

    clock.advance(minutes=14)
    await company.session_status(SESSION)

    assert len(server.calls(REDEEM)) == 2


async def test_a_refresh_token_that_ran_out_is_not_even_tried(server, company, clock):
    server.will(SESSION_STATUS, SESSION_BODY)
    await company.log_in()

    clock.advance(days=7)
    await company.session_status(SESSION)

    assert not server.calls(REFRESH)
    assert len(server.calls(REDEEM)) == 2


async def test_an_outage_during_refresh_is_an_outage_not_a_login(server, company, clock):
    await company.log_in()
    server.will(REFRESH, gateway_page(503))

    clock.advance(minutes=14)
    with pytest.raises(TransientError):
        await company.session_status(SESSION)

    assert len(server.calls(REDEEM)) == 1
    assert len(server.calls(REFRESH)) == 3


async def test_a_401_is_cured_by_one_refresh(server, company):
    server.will(SESSION_STATUS, UNAUTHORIZED, SESSION_BODY)

    await company.session_status(SESSION)

    assert bearers(server) == ["eyJ.secret-access-1.sig", "eyJ.secret-access-2.sig"]
    assert len(server.calls(REDEEM)) == 1


async def test_a_401_after_the_refresh_is_cured_by_one_login(server, company):
    server.will(SESSION_STATUS, UNAUTHORIZED, Reply(401), SESSION_BODY)
    server.will(
        REDEEM,
        ok({"accessToken": jwt("access-1"), "refreshToken": jwt("refresh-1")}),
        ok({"accessToken": jwt("access-3"), "refreshToken": jwt("refresh-3")}),
    )

    await company.session_status(SESSION)

    assert bearers(server) == [
        "eyJ.secret-access-1.sig",
        "eyJ.secret-access-2.sig",
        "eyJ.secret-access-3.sig",
    ]


async def test_a_401_after_all_that_needs_an_operator(server, company):
    server.will(SESSION_STATUS, UNAUTHORIZED)

    with pytest.raises(Unauthorized) as caught:
        await company.session_status(SESSION)

    assert caught.value.reason_code == "unauthorized"
    assert len(server.calls(SESSION_STATUS)) == 3
    assert len(server.calls(REDEEM)) == 2


async def test_two_companies_have_tokens_of_their_own(server, client, company):
    server.will("POST /sessions/online", session_opened())
    other = client.context(ContextId(ContextType.INTERNAL_ID, "6824515772-12343"), TokenCredential("other"))

    await company.log_in()
    await other.log_in()

    contexts = [call.json["contextIdentifier"]["type"] for call in server.calls(LOGIN)]
    assert contexts == ["Nip", "InternalId"]
    assert len(server.calls("GET /security/public-key-certificates")) == 1
