"""Error bodies in both formats, unreadable requests, unknown routes."""

import pytest

from simulator.policy import Policy, Profile
from tests.support.simulator_driver import SELLER, Ksef


def test_a_400_is_an_exception_list_by_default(ksef):
    reply = ksef.call("POST", "/auth/ksef-token", b"{")

    assert reply.status == 400
    assert reply.headers["content-type"] == "application/json"
    assert reply.json["exception"]["exceptionDetailList"] == [
        {
            "exceptionCode": 21001,
            "exceptionDescription": "Nieczytelna treść.",
            "details": ["The body is not readable JSON at character 1."],
        }
    ]
    assert reply.json["exception"]["timestamp"] == "2026-11-20T11:00:00.0000000+00:00"


@pytest.mark.parametrize("asked", ["problem-details", "Problem-Details"])
def test_a_400_is_problem_details_on_request(ksef, asked):
    reply = ksef.call("POST", "/auth/ksef-token", b"{", headers={"x-error-format": asked})

    assert reply.status == 400
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json["title"] == "Bad Request"
    assert reply.json["status"] == 400
    assert reply.json["instance"] == "/v2/auth/ksef-token"
    assert reply.json["errors"] == [
        {
            "code": 21001,
            "description": "Nieczytelna treść.",
            "details": ["The body is not readable JSON at character 1."],
        }
    ]
    assert len(reply.json["traceId"]) == 32


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        b"[1, 2",
        b'{"challenge": Infinity}',
        b'{"challenge": NaN}',
        b'{"challenge": "a", "Challenge": "b"}',
        b"[" * 100_000,
        b"\xef\xbb\xbf{}",
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
    ids=["bytes", "cut", "infinity", "nan", "named twice", "too deep", "bom", "huge number"],
)
def test_what_is_no_json_is_21001(ksef, body):
    assert ksef.call("POST", "/auth/ksef-token", body).error[0] == 21001


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"text"'])
def test_what_is_no_object_is_21405(ksef, body):
    assert ksef.call("POST", "/auth/ksef-token", body).error[0] == 21405


@pytest.mark.parametrize("challenge", ["\u0000" * 36, "\ud800" * 36, 36, True, ["x"], {"a": 1}])
def test_an_odd_value_where_text_is_wanted_is_21405(ksef, challenge):
    request = ksef.login_request(ksef.mint(), challenge=challenge)

    assert ksef.call("POST", "/auth/ksef-token", request).error[0] == 21405


def test_a_body_of_another_type_is_21001(ksef):
    reply = ksef.call("POST", "/auth/ksef-token", b"a=b", headers={"content-type": "text/plain"})

    assert reply.error[0] == 21001


@pytest.mark.parametrize("path", ["/nothing", "/sessions/online/a/b/c/d", "/auth", "//"])
def test_an_unknown_route_is_404(ksef, path):
    assert ksef.call("GET", path).status == 404


def test_an_unknown_method_is_405_with_what_is_allowed(ksef):
    reply = ksef.call("PUT", "/testdata/rate-limits")

    assert reply.status == 405
    assert reply.headers["allow"] == "DELETE, POST"


def test_the_root_says_that_this_is_a_simulator(ksef):
    reply = ksef.call("GET", "/")

    assert reply.status == 200
    assert b"This is a simulator, not KSeF" in reply.raw


def test_test_data_is_unknown_in_production(keys):
    ksef = Ksef(keys, policy=Policy(profile=Profile.PRODUCTION))

    assert ksef.call("POST", "/testdata/rate-limits/production", bearer=ksef.access()).status == 404


def test_errors_never_quote_the_body(ksef):
    secret = b'{"encryptedToken": "tajemnica' + SELLER.encode()

    assert b"tajemnica" not in ksef.call("POST", "/auth/ksef-token", secret).raw
