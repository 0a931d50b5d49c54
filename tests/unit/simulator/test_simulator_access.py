"""Login with a KSeF token: challenge, encryption, verdicts, redeem once, refresh, revoke."""

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from simulator.policy import NO_DELAYS, Span
from simulator.protocol.identifiers import Identifier, crc8
from tests.support.simulator_driver import BUYER, SELLER, Ksef, b64, oaep

SECOND = timedelta(seconds=1)


def claims(token: str) -> dict[str, object]:
    body = token.split(".")[1]
    content: dict[str, object] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return content


def test_two_certificates_are_published_with_one_usage_each_and_matching_ids(ksef):
    keys = ksef.call("GET", "/security/public-key-certificates").json

    assert [key["usage"] for key in keys] == [["KsefTokenEncryption"], ["SymmetricKeyEncryption"]]
    assert {len(key["publicKeyId"]) for key in keys} == {44}
    assert keys[0]["validFrom"] < "2026-11-20" < keys[0]["validTo"]


def test_a_challenge_has_its_form_its_time_and_the_callers_address(ksef):
    challenge = ksef.call("POST", "/auth/challenge").json

    assert challenge["challenge"].startswith("20261120-CR-")
    assert crc8(challenge["challenge"][:33]) == challenge["challenge"][34:]
    assert challenge["timestampMs"] == 1795172400000
    assert challenge["timestamp"] == "2026-11-20T11:00:00.0000000+00:00"
    assert challenge["clientIp"] == "10.0.0.1"


def test_a_login_is_pending_until_its_delay_has_passed(ksef):
    ksef.controls.delays = replace(NO_DELAYS, login=Span(2, 2))
    reference, operation = ksef.start_login(ksef.mint())

    first = ksef.call("GET", f"/auth/{reference}", bearer=operation).json["status"]
    too_early = ksef.call("POST", "/auth/token/redeem", bearer=operation)
    ksef.advance(seconds=2)
    then = ksef.call("GET", f"/auth/{reference}", bearer=operation).json

    assert first == {"code": 100, "description": "Uwierzytelnianie w toku"}
    assert too_early.error == (21301, "Status uwierzytelniania (100) nie pozwala na pobranie tokenów.")
    assert then["status"] == {"code": 200, "description": "Uwierzytelnianie zakończone sukcesem"}
    assert then["authenticationMethod"] == "Token"
    assert then["isTokenRedeemed"] is False


def test_tokens_are_redeemed_once(ksef):
    reference, operation = ksef.start_login(ksef.mint())

    assert ksef.call("POST", "/auth/token/redeem", bearer=operation).status == 200
    assert ksef.call("POST", "/auth/token/redeem", bearer=operation).error == (
        21301,
        f"Tokeny dla operacji uwierzytelniania {reference} zostały już pobrane.",
    )


def test_an_access_token_is_a_jwt_with_the_short_claims(ksef):
    access, refresh = ksef.tokens(ksef.mint(SELLER, "InvoiceWrite", "InvoiceRead"))

    found = claims(access)
    assert found["typ"] == "ContextToken"
    assert (found["cit"], found["civ"]) == ("Nip", SELLER)
    assert found["per"] == '["InvoiceRead", "InvoiceWrite"]'
    assert found["exp"] - found["iat"] == 900
    assert "ipp" not in found
    assert claims(refresh)["typ"] == "RefreshToken"
    assert claims(refresh)["exp"] - claims(refresh)["iat"] == 604800


def test_names_and_enum_values_are_read_in_any_case(ksef):
    request = ksef.login_request(ksef.mint())
    pascal = {name[0].upper() + name[1:]: value for name, value in request.items()}
    pascal["ContextIdentifier"] = {"Type": "NIP", "Value": SELLER}

    assert ksef.call("POST", "/auth/ksef-token", {**pascal, "somethingNew": 1}).status == 202


def test_the_named_key_is_accepted_and_an_unknown_one_refused(ksef):
    key_id = ksef.call("GET", "/security/public-key-certificates").json[0]["publicKeyId"]
    unknown = b64(bytes(32))

    assert ksef.login_status(ksef.mint(), publicKeyId=key_id)["code"] == 200
    reply = ksef.call("POST", "/auth/ksef-token", ksef.login_request(ksef.mint(), publicKeyId=unknown))
    assert reply.error == (21470, f"Klucz o identyfikatorze {unknown} nie jest wspierany.")


def test_the_key_for_session_keys_is_not_the_key_for_tokens(ksef):
    key_id = ksef.call("GET", "/security/public-key-certificates").json[1]["publicKeyId"]

    reply = ksef.call("POST", "/auth/ksef-token", ksef.login_request(ksef.mint(), publicKeyId=key_id))

    assert reply.error[0] == 21470


def test_a_challenge_serves_once(ksef):
    request = ksef.login_request(ksef.mint())

    assert ksef.call("POST", "/auth/ksef-token", request).status == 202
    assert ksef.call("POST", "/auth/ksef-token", request).error == (21111, None)


def test_a_challenge_dies_after_ten_minutes(ksef):
    alive, dead = ksef.login_request(ksef.mint()), ksef.login_request(ksef.mint())

    ksef.advance(minutes=9, seconds=59)
    assert ksef.call("POST", "/auth/ksef-token", alive).status == 202
    ksef.advance(seconds=1)
    assert ksef.call("POST", "/auth/ksef-token", dead).error == (21111, None)


def failed(detail: str) -> dict[str, object]:
    text = "Uwierzytelnianie zakończone niepowodzeniem z powodu błędnego tokenu"
    return {"code": 450, "description": text, "details": [detail]}


def test_a_token_encrypted_for_another_key_fails_the_login(ksef):
    wrong = b64(ksef.public_key("SymmetricKeyEncryption").encrypt(b"t|1", oaep()))

    assert ksef.login_status(ksef.mint(), encryptedToken=wrong) == failed("Nieprawidłowe szyfrowanie tokena")


def test_a_text_without_a_time_fails_the_login(ksef):
    bare = b64(ksef.public_key("KsefTokenEncryption").encrypt(b"no bar at all", oaep()))

    assert ksef.login_status(ksef.mint(), encryptedToken=bare) == failed("Nieprawidłowe kodowanie tokena")


def test_another_time_than_the_challenges_fails_the_login(ksef):
    token = ksef.mint()
    stale = b64(ksef.public_key("KsefTokenEncryption").encrypt(f"{token}|1795172399999".encode(), oaep()))

    assert ksef.login_status(token, encryptedToken=stale) == failed("Nieprawidłowy czas tokena")


def test_an_unknown_token_fails_the_login(ksef):
    token = ksef.mint()
    other = token[:-1] + ("0" if token[-1] != "0" else "1")

    assert ksef.login_status(other) == failed("Nieprawidłowy token")


def test_a_revoked_token_fails_the_login(ksef):
    text = ksef.mint()
    token = ksef.store.token(text[:36])
    ksef.store.put_token(replace(token, revoked_at=ksef.now))

    assert ksef.login_status(text) == failed("Token unieważniony")


def test_a_token_of_another_context_fails_the_login(ksef):
    detail = f"Token nie może być użyty w kontekście Nip {BUYER}"

    assert ksef.login_status(ksef.mint(SELLER), BUYER) == failed(detail)


def test_a_failed_login_gives_no_tokens(ksef):
    _, operation = ksef.start_login(ksef.mint(SELLER), BUYER)

    reply = ksef.call("POST", "/auth/token/redeem", bearer=operation)

    assert reply.error == (21301, "Status uwierzytelniania (450) nie pozwala na pobranie tokenów.")


def test_refreshing_gives_a_new_access_token_again_and_again(ksef):
    access, refresh = ksef.tokens(ksef.mint())

    first = ksef.call("POST", "/auth/token/refresh", bearer=refresh).json["accessToken"]
    second = ksef.call("POST", "/auth/token/refresh", bearer=refresh).json["accessToken"]

    assert len({access, first["token"], second["token"]}) == 3
    assert first["validUntil"] == "2026-11-20T11:15:00.0000000+00:00"


def test_refreshing_shows_in_the_login(ksef):
    reference, operation = ksef.start_login(ksef.mint())
    tokens = ksef.call("POST", "/auth/token/redeem", bearer=operation).json
    ksef.advance(seconds=5)
    ksef.call("POST", "/auth/token/refresh", bearer=tokens["refreshToken"]["token"])

    login = ksef.call("GET", f"/auth/{reference}", bearer=operation).json

    assert login["isTokenRedeemed"] is True
    assert login["lastTokenRefreshDate"] == "2026-11-20T11:00:05.0000000+00:00"
    assert login["refreshTokenValidUntil"] == "2026-11-27T11:00:00.0000000+00:00"


def test_a_revoked_login_refreshes_no_more_but_its_access_token_lives_on(ksef):
    reference, operation = ksef.start_login(ksef.mint())
    tokens = ksef.call("POST", "/auth/token/redeem", bearer=operation).json
    access, refresh = tokens["accessToken"]["token"], tokens["refreshToken"]["token"]

    revoked = ksef.call("DELETE", "/auth/sessions/current", bearer=access)

    assert (revoked.status, revoked.raw) == (204, b"")
    assert ksef.call("POST", "/auth/token/refresh", bearer=refresh).error == (
        21301,
        "Status uwierzytelnienia (425) nie pozwala na odświeżenie tokenu dostępowego.",
    )
    assert ksef.call("GET", f"/auth/{reference}", bearer=operation).json["status"]["code"] == 425
    assert ksef.call("GET", "/limits/context", bearer=access).status == 200


def test_a_refresh_token_may_revoke_its_login(ksef):
    _, refresh = ksef.tokens(ksef.mint())

    assert ksef.call("DELETE", "/auth/sessions/current", bearer=refresh).status == 204
    assert ksef.call("POST", "/auth/token/refresh", bearer=refresh).error[0] == 21301


def test_a_revoked_ksef_token_refreshes_no_more(ksef):
    text = ksef.mint()
    _, refresh = ksef.tokens(text)
    ksef.store.put_token(replace(ksef.store.token(text[:36]), revoked_at=ksef.now))

    reply = ksef.call("POST", "/auth/token/refresh", bearer=refresh)

    assert reply.error == (21301, "Token KSeF został unieważniony.")


@pytest.mark.parametrize("bearer", [None, "garbage", "a.b.c", "żółć"])
def test_no_or_a_garbage_token_is_401_as_problem_details(ksef, bearer):
    reply = ksef.call("GET", "/limits/context", bearer=bearer)

    assert reply.status == 401
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json["detail"] == "Wymagane jest uwierzytelnienie."


def test_a_token_with_another_signature_is_401(ksef):
    head, body, signature = ksef.access().split(".")
    forged = ".".join((head, body, ("A" if signature[0] != "A" else "B") + signature[1:]))

    assert ksef.call("GET", "/limits/context", bearer=forged).status == 401


def test_each_operation_takes_only_its_own_type_of_token(ksef):
    _, operation = ksef.start_login(ksef.mint())
    access, refresh = ksef.tokens(ksef.mint())

    assert ksef.call("GET", "/limits/context", bearer=operation).status == 401
    assert ksef.call("GET", "/limits/context", bearer=refresh).status == 401
    assert ksef.call("POST", "/auth/token/redeem", bearer=access).status == 401
    assert ksef.call("POST", "/auth/token/refresh", bearer=access).status == 401


def test_an_access_token_expires_after_fifteen_minutes(ksef):
    access = ksef.access()

    ksef.advance(minutes=14, seconds=59)
    assert ksef.call("GET", "/limits/context", bearer=access).status == 200
    ksef.advance(seconds=1)
    assert ksef.call("GET", "/limits/context", bearer=access).status == 401


def test_a_logins_own_token_is_no_key_to_another_login(ksef):
    first, _ = ksef.start_login(ksef.mint())
    _, second_token = ksef.start_login(ksef.mint())

    detail = f"Operacja uwierzytelniania o numerze referencyjnym {first} nie została znaleziona."
    assert ksef.call("GET", f"/auth/{first}", bearer=second_token).error == (21304, detail)


def test_a_login_is_gone_after_seven_days(ksef):
    reference, operation = ksef.start_login(ksef.mint())

    ksef.advance(days=6)
    assert ksef.call("GET", f"/auth/{reference}", bearer=operation).status == 401
    ksef.advance(days=1)
    reply = ksef.call("GET", f"/auth/{reference}", bearer=operation)

    assert reply.status == 410
    assert reply.headers["content-type"] == "application/problem+json"
    assert {"title", "status", "instance", "detail", "timestamp", "traceId"} <= reply.json.keys()


@pytest.mark.parametrize(
    "policy",
    [
        {"ip4Addresses": ["10.0.0.9"]},
        {"ip4Ranges": ["10.0.0.2-10.0.0.9"]},
        {"ip4Masks": ["10.0.1.0/24"]},
    ],
    ids=["address", "range", "mask"],
)
def test_an_address_policy_refuses_others(ksef, policy):
    access, _ = ksef.tokens(ksef.mint(), authorizationPolicy={"allowedIps": policy})

    reply = ksef.call("GET", "/limits/context", bearer=access)

    assert reply.status == 403
    assert reply.json["reasonCode"] == "ip-not-allowed"
    assert reply.json["security"] == {"clientIp": "10.0.0.1"}


@pytest.mark.parametrize(
    "policy",
    [
        {"ip4Addresses": ["10.0.0.1"]},
        {"ip4Ranges": ["10.0.0.1-10.0.0.9"]},
        {"ip4Masks": ["10.0.0.0/24"]},
        {},
    ],
    ids=["address", "range", "mask", "empty"],
)
def test_an_address_policy_admits_its_own(ksef, policy):
    access, _ = ksef.tokens(ksef.mint(), authorizationPolicy={"allowedIps": policy})

    assert ksef.call("GET", "/limits/context", bearer=access).status == 200


def test_a_missing_permission_is_403_with_what_is_there_and_what_is_needed(ksef):
    reader = ksef.access(SELLER, "InvoiceRead")

    reply = ksef.call("POST", "/sessions/online", ksef.session_request(), bearer=reader)

    assert reply.status == 403
    assert reply.json["reasonCode"] == "missing-permissions"
    assert reply.json["security"] == {
        "requiredAnyOfPermissions": ["InvoiceWrite", "PefInvoiceWrite", "EnforcementOperations"],
        "presentPermissions": ["InvoiceRead"],
    }


@pytest.mark.parametrize(
    ("changed", "detail"),
    [
        ({"challenge": "short"}, "'challenge' must be 36 characters long."),
        ({"challenge": None}, "'challenge' is required."),
        (
            {"contextIdentifier": {"type": "Nip", "value": "123"}},
            "'contextIdentifier.value' is not a valid Nip.",
        ),
        (
            {"contextIdentifier": {"type": "Tax", "value": SELLER}},
            "'contextIdentifier.type' must be one of Nip, InternalId, NipVatUe, PeppolId.",
        ),
        ({"contextIdentifier": "Nip"}, "'contextIdentifier' must be an object."),
        ({"encryptedToken": "no base64!"}, "'encryptedToken' must be standard Base64 with padding."),
        ({"publicKeyId": "abc="}, "'publicKeyId' must be 44 characters long."),
        (
            {"authorizationPolicy": {"allowedIps": {"ip4Addresses": ["localhost"]}}},
            "'authorizationPolicy.allowedIps.ip4Addresses' holds a value of the wrong form.",
        ),
    ],
)
def test_a_login_request_of_the_wrong_form_is_21405(ksef: Ksef, changed, detail):
    request = ksef.login_request(ksef.mint(), **changed)

    assert ksef.call("POST", "/auth/ksef-token", request).error == (21405, detail)


def test_the_tokens_of_two_installations_are_strangers(ksef, keys):
    other = Ksef(replace(keys, bearer_secret=b"x" * 32))

    assert ksef.call("GET", "/limits/context", bearer=other.access()).status == 401


def test_the_subject_of_a_token_is_who_authenticates(ksef):
    person = Identifier("Pesel", "90010112345")

    found = claims(ksef.access(SELLER, subject=person))

    assert json.loads(found["sud"]) == {"subjectIdentifier": {"type": "Pesel", "value": "90010112345"}}
