"""Nothing secret gets out by accident: not by repr, str, formatting, pickling, logs or exceptions."""

import base64
import copy
import dataclasses
import logging
import pickle

import pytest

from ksef import FA_3, InvoicingMode, KsefError, SessionKey, TokenCredential, UpoFile, wire
from ksef.calls import Request
from ksef.http import HttpRequest, HttpResponse
from ksef.login import TimedBearer, TokenPair
from ksef.routes import SEND_INVOICE, Auth
from ksef.secret import Bearer
from ksef.sessions import invoice_from
from ksef.timestamps import parse_timestamp
from tests.support.ksef_script import (
    AUTH,
    INVOICE,
    SESSION,
    TOKEN,
    Cut,
    Reply,
    gateway_page,
    http_options,
    invoice_entry,
    jwt,
    ok,
    refusal,
    session_opened,
)

KEY_BYTES = bytes(range(100, 132))
IV_BYTES = bytes(range(200, 216))
KEY = SessionKey(KEY_BYTES, IV_BYTES)
XML = b"<Faktura><P_2>SEKRETNY-NUMER/1</P_2></Faktura>"
JWT = "eyJ.secret-access-1.sig"
PROXY = "http://user:hunter2@127.0.0.1:1"
SECRETS = [
    TOKEN,
    TOKEN.rsplit("|", maxsplit=1)[-1],
    "eyJ.secret",
    "SEKRETNY",
    "hunter2",
    KEY_BYTES.hex(),
    IV_BYTES.hex(),
    base64.b64encode(KEY_BYTES).decode(),
    base64.b64encode(IV_BYTES).decode(),
    repr(KEY_BYTES)[2:20],
    repr(KEY.encrypt(XML))[2:30],
    base64.b64encode(KEY.encrypt(XML)).decode()[:30],
]


def leaks(text):
    return [secret for secret in SECRETS if secret in text]


def chain(error):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def test_the_search_itself_finds_a_secret():
    assert leaks(f"Authorization: Bearer {JWT}") == ["eyJ.secret"]
    assert leaks(repr((KEY_BYTES, TOKEN)))


BEARER = Bearer(JWT, kind=Auth.ACCESS)
TIMED = TimedBearer(BEARER, parse_timestamp("2026-11-20T09:00:00Z"))
REJECTED = invoice_entry() | {"status": {"code": 450, "description": "", "details": [XML.decode()]}}
MODELS = [
    TokenCredential(TOKEN),
    KEY,
    BEARER,
    TIMED,
    TokenPair(TIMED, TIMED),
    KEY.encrypt_invoice(XML),
    HttpRequest("POST", "https://h/v2/x", (("Authorization", f"Bearer {JWT}"),), XML),
    HttpResponse(200, {"set-cookie": JWT}, JWT.encode()),
    Request(SEND_INVOICE, (SESSION,), body=XML),
    UpoFile(XML, "hash"),
    invoice_from(wire.SESSION_INVOICE.decode(ok(REJECTED).body)),
    http_options(proxy=PROXY),
    wire.TOKENS.decode(ok({"accessToken": jwt("a"), "refreshToken": jwt("r")}).body),
    wire.REFRESHED.decode(ok({"accessToken": jwt("a")}).body),
    wire.LOGIN_STARTED.decode(ok({"referenceNumber": AUTH, "authenticationToken": jwt("op")}).body),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_no_model_shows_a_secret(model):
    assert not leaks(f"{model!r} {model} {[model]!r} %s" % ({"model": model},))


@pytest.mark.parametrize(
    "secret", [TokenCredential(TOKEN), KEY, BEARER], ids=lambda secret: type(secret).__name__
)
def test_no_secret_can_be_pickled(secret):
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(secret)


@pytest.mark.parametrize(
    "secret", [TokenCredential(TOKEN), KEY, BEARER], ids=lambda secret: type(secret).__name__
)
def test_a_copy_of_a_secret_is_the_secret_and_it_has_no_dictionary(secret):
    assert copy.copy(secret) is secret
    assert copy.deepcopy(secret) is secret
    assert not hasattr(secret, "__dict__")


def test_turning_a_model_into_a_dictionary_shows_no_secret():
    assert not leaks(repr(dataclasses.asdict(TokenPair(TIMED, TIMED))))


def test_secrets_are_equal_by_their_text_and_their_type():
    assert TokenCredential("a") == TokenCredential("a")
    assert TokenCredential("a") != TokenCredential("b")
    assert TokenCredential("a") != Bearer("a", kind=Auth.ACCESS)
    assert len({TokenCredential("a"), TokenCredential("a")}) == 1


@pytest.mark.parametrize("text", ["", "s3cr3t\n", " s3cr3t", "s3cr3t s3cr3t", "s3cr3t\x00", "\x7fs3cr3t"])
def test_a_secret_with_a_line_end_or_nothing_in_it_is_refused_without_showing_it(text):
    with pytest.raises(ValueError, match="white space") as caught:
        TokenCredential(text)

    assert "s3cr3t" not in str(caught.value)


async def open_and_send(company):
    session = await company.open_online_session(form_code=FA_3, key=KEY)
    await company.send_invoice(session.reference, invoice=KEY.encrypt_invoice(XML), mode=InvoicingMode.ONLINE)
    return session


SEND = f"POST /sessions/online/{SESSION}/invoices"


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        (SEND, Cut()),
        (SEND, gateway_page(502)),
        (SEND, Reply(401)),
        (SEND, Reply(403, b"<html/>")),
        (SEND, Reply(429)),
        (SEND, refusal(21180)),
        (SEND, Reply(202, JWT.encode())),
        (SEND, Reply(200, f'{{"referenceNumber": ["{JWT}"]}}'.encode())),
        (SEND, ok({"referenceNumber": JWT}, 202)),
        ("POST /auth/token/redeem", ok({"accessToken": jwt("a"), "refreshToken": {"token": JWT}})),
        (
            "POST /auth/token/redeem",
            ok({"accessToken": {"token": f"{JWT} ", "validUntil": "x"}, "refreshToken": jwt("r")}),
        ),
        ("POST /auth/ksef-token", refusal(21405)),
        ("POST /auth/ksef-token", Cut()),
        (f"GET /auth/{AUTH}", ok({"status": {"code": 450, "description": "zły token", "details": []}})),
    ],
)
async def test_no_error_and_no_log_shows_a_secret(server, company, caplog, operation, answer):
    caplog.set_level(logging.DEBUG)
    server.will("POST /sessions/online", session_opened())
    server.will(operation, answer)

    with pytest.raises(KsefError) as caught:
        await open_and_send(company)

    for error in chain(caught.value):
        assert not leaks(f"{error!r} {error} {error.args!r}")
    assert not leaks(caplog.text)
    assert caplog.records, "the libraries below log at DEBUG: the search had something to look through"


async def test_a_call_that_works_logs_no_secret(server, company, caplog, hooks):
    caplog.set_level(logging.DEBUG)
    server.will("POST /sessions/online", session_opened())
    server.will(SEND, ok({"referenceNumber": INVOICE}, 202))

    session = await open_and_send(company)

    assert not leaks(caplog.text)
    assert not leaks(repr((company, vars(company), hooks.finished, hooks.planned, session)))
