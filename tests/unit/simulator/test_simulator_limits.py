"""Request limits: sliding windows, growing Retry-After, per context and address, and the switches."""

import pytest

from simulator.rates import PRODUCTION, SETTABLE, Rates, rates_named
from simulator.windows import Exceeded, Windows
from tests.support.simulator_driver import BUYER, Ksef, fa3

KEY = ("invoiceSend", "Nip", "5265877635", "10.0.0.1")


def admitted(windows: Windows, rates: Rates, *moments: float) -> list[bool]:
    return [windows.admit(KEY, rates, now=moment) is None for moment in moments]


def test_a_second_slides(ksef):
    windows, rates = Windows(), Rates(2, 100, 1000)

    assert admitted(windows, rates, 0.0, 0.9) == [True, True]
    assert windows.admit(KEY, rates, now=0.95) == Exceeded(2, "sekundę", 1)
    assert admitted(windows, rates, 1.95, 1.96) == [True, True]
    assert windows.admit(KEY, rates, now=1.97) == Exceeded(2, "sekundę", 1)


def test_a_fixed_window_would_burst_at_the_seam_and_a_sliding_one_does_not():
    windows, rates = Windows(), Rates(100, 3, 1000)

    assert admitted(windows, rates, 58.0, 59.0, 59.5) == [True, True, True]
    assert windows.admit(KEY, rates, now=60.5) == Exceeded(3, "minutę", 58)


def test_the_hour_is_counted_too():
    windows, rates = Windows(), Rates(10, 30, 2)

    assert admitted(windows, rates, 0.0, 1800.0) == [True, True]
    assert windows.admit(KEY, rates, now=2000.0) == Exceeded(2, "godzinę", 1600)
    assert admitted(windows, rates, 3600.0) == [True]


def test_knocking_while_blocked_lengthens_the_block():
    windows, rates = Windows(), Rates(1, 100, 1000)
    windows.admit(KEY, rates, now=0.0)

    waits = [windows.admit(KEY, rates, now=0.5).retry_after_seconds for _ in range(4)]

    assert waits == [1, 6, 11, 16]


def test_a_block_does_not_grow_beyond_ten_knocks():
    windows, rates = Windows(), Rates(1, 100, 1000)
    windows.admit(KEY, rates, now=0.0)

    waits = [windows.admit(KEY, rates, now=0.5).retry_after_seconds for _ in range(30)]

    assert waits[-1] == waits[10] == 51


def test_whoever_waits_as_told_is_let_in_and_forgiven():
    windows, rates = Windows(), Rates(1, 100, 1000)
    windows.admit(KEY, rates, now=0.0)
    windows.admit(KEY, rates, now=0.5)
    told = windows.admit(KEY, rates, now=0.5).retry_after_seconds

    assert admitted(windows, rates, 0.5 + told) == [True]
    assert windows.admit(KEY, rates, now=0.6 + told).retry_after_seconds == 1


def test_a_refused_call_is_not_counted_as_made():
    windows, rates = Windows(), Rates(1, 2, 1000)
    windows.admit(KEY, rates, now=0.0)
    windows.admit(KEY, rates, now=0.5)

    assert admitted(windows, rates, 2.0) == [True]


def test_nothing_is_remembered_without_limits():
    windows = Windows()

    assert admitted(windows, Rates(-1), *([0.0] * 1000)) == [True] * 1000
    assert windows._logs == {}


# --- over the API


def challenge(ksef: Ksef) -> int:
    return ksef.call("POST", "/auth/challenge").status


def test_public_calls_are_counted_per_address(keys):
    ksef = Ksef(keys, rates=PRODUCTION)

    statuses = [challenge(ksef) for _ in range(61)]
    ksef.client = "10.0.0.2"

    assert statuses == [200] * 60 + [429]
    assert challenge(ksef) == 200


def test_a_429_has_its_header_and_both_bodies(keys):
    ksef = Ksef(keys)
    bearer = ksef.access()
    ksef.controls.rates = {**PRODUCTION, "sessionMisc": Rates(1, 20, 100)}
    session = ksef.open(bearer)
    ksef.session(session, bearer=bearer)

    legacy = ksef.call("GET", f"/sessions/{session}", bearer=bearer)
    problem = ksef.call(
        "GET", f"/sessions/{session}", bearer=bearer, headers={"x-error-format": "problem-details"}
    )

    detail = "Przekroczono limit 1 żądań na sekundę. Spróbuj ponownie po 1 sekundach."
    assert legacy.status == problem.status == 429
    assert legacy.headers["retry-after"] == "1"
    assert legacy.json == {"status": {"code": 429, "description": "Too Many Requests", "details": [detail]}}
    assert problem.headers["retry-after"] == "6"
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json["detail"] == "Przekroczono limit 1 żądań na sekundę. Spróbuj ponownie po 6 sekundach."


def test_two_contexts_at_one_address_have_limits_of_their_own(ksef):
    own, other = ksef.access(), ksef.access(BUYER)
    ksef.controls.rates = {**PRODUCTION, "onlineSession": Rates(10, 1, 10)}

    opened = [
        ksef.call("POST", "/sessions/online", ksef.session_request(), bearer=bearer).status
        for bearer in (own, own, other)
    ]

    assert opened == [201, 429, 201]


def test_one_context_at_two_addresses_has_limits_of_each(ksef):
    bearer = ksef.access()
    ksef.controls.rates = {**PRODUCTION, "onlineSession": Rates(10, 1, 10)}
    ksef.open(bearer)
    ksef.client = "10.0.0.2"

    assert ksef.call("POST", "/sessions/online", ksef.session_request(), bearer=bearer).status == 201


def test_groups_count_apart_and_other_counts_per_operation(ksef):
    bearer = ksef.access()
    ksef.controls.rates = dict.fromkeys(PRODUCTION, Rates(1, 10, 100)) | {"anonymous": Rates(-1)}

    first = [ksef.call("GET", path, bearer=bearer).status for path in ("/limits/context", "/rate-limits")]
    second = [ksef.call("GET", path, bearer=bearer).status for path in ("/limits/context", "/rate-limits")]

    assert first == [200, 200]
    assert second == [429, 429]


def test_both_lists_of_a_session_share_a_group(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)
    ksef.controls.rates = {**PRODUCTION, "sessionInvoiceList": Rates(1, 10, 100)}

    assert ksef.call("GET", f"/sessions/{session}/invoices", bearer=bearer).status == 200
    assert ksef.call("GET", f"/sessions/{session}/invoices/failed", bearer=bearer).status == 429


def test_each_page_of_the_session_list_counts_in_a_group_of_its_own(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)
    ksef.controls.rates = PRODUCTION
    online = (("sessionType", "Online"),)

    within = [ksef.call("GET", "/sessions", query=online, bearer=bearer).status for _ in range(5)]
    beyond = ksef.call("GET", "/sessions", query=online, bearer=bearer).status

    assert (within, beyond) == ([200, 200, 200, 200, 200], 429)
    assert ksef.call("GET", f"/sessions/{session}", bearer=bearer).status == 200


def test_a_refused_send_counts_and_a_call_without_a_token_does_not(ksef):
    bearer = ksef.access()
    session = ksef.open(bearer)
    ksef.controls.rates = {**PRODUCTION, "invoiceSend": Rates(1, 10, 100)}
    path = f"/sessions/online/{session}/invoices"

    assert ksef.call("POST", path, bearer="garbage").status == 401
    assert ksef.call("POST", path, b"{", bearer=bearer).status == 400
    assert ksef.try_send(session, fa3(), bearer=bearer).status == 429


def test_180_sends_an_hour_is_the_ceiling(keys):
    ksef = Ksef(keys, rates=PRODUCTION)
    bearer = ksef.access()
    session = ksef.open(bearer)
    statuses = []
    for _ in range(181):
        statuses.append(ksef.call("POST", f"/sessions/online/{session}/invoices", b"{", bearer=bearer).status)
        ksef.advance(seconds=3)

    assert statuses == [400] * 180 + [429]


# --- the switches


def test_the_effective_limits_are_those_of_production(keys):
    ksef = Ksef(keys, rates=PRODUCTION)

    limits = ksef.call("GET", "/rate-limits", bearer=ksef.access()).json

    assert limits["invoiceSend"] == {"perSecond": 10, "perMinute": 30, "perHour": 180}
    assert limits["anonymous"] == {"perSecond": 60, "perMinute": -1, "perHour": -1}
    assert len(limits) == 17


def wanted(**changed: object) -> dict[str, object]:
    each = {"perSecond": 5, "perMinute": 50, "perHour": 500}
    return {"rateLimits": {**dict.fromkeys(SETTABLE, each), **changed}}


def test_a_context_sets_its_own_limits_and_drops_them(ksef):
    bearer, other = ksef.access(), ksef.access(BUYER)

    reply = ksef.call("POST", "/testdata/rate-limits", wanted(), bearer=bearer)
    own = ksef.call("GET", "/rate-limits", bearer=bearer).json
    others = ksef.call("GET", "/rate-limits", bearer=other).json
    ksef.call("DELETE", "/testdata/rate-limits", bearer=bearer)
    after = ksef.call("GET", "/rate-limits", bearer=bearer).json

    assert (reply.status, reply.raw) == (200, b"")
    assert own["invoiceSend"] == {"perSecond": 5, "perMinute": 50, "perHour": 500}
    assert own["onlineSessionClose"] == {"perSecond": -1, "perMinute": -1, "perHour": -1}
    assert others["invoiceSend"] == after["invoiceSend"] == {"perSecond": -1, "perMinute": -1, "perHour": -1}


def test_a_context_may_choose_production_limits(ksef):
    bearer = ksef.access()
    ksef.call("POST", "/testdata/rate-limits/production", bearer=bearer)

    limits = ksef.call("GET", "/rate-limits", bearer=bearer).json

    assert limits["invoiceSend"] == {"perSecond": 10, "perMinute": 30, "perHour": 180}


def test_old_clients_that_do_not_know_collective_identifiers_may_set_limits(ksef):
    request = wanted()
    del request["rateLimits"]["collectiveIdentifier"]

    assert ksef.call("POST", "/testdata/rate-limits", request, bearer=ksef.access()).status == 200


@pytest.mark.parametrize(
    ("changed", "detail"),
    [
        ({"invoiceSend": None}, "'rateLimits.invoiceSend' is required."),
        (
            {"invoiceSend": {"perSecond": 0, "perMinute": 1, "perHour": 1}},
            "'rateLimits.invoiceSend.perSecond' must be between 1 and 2147483647.",
        ),
        (
            {"other": {"perSecond": 1, "perMinute": 1}},
            "'rateLimits.other.perHour' is required.",
        ),
    ],
)
def test_impossible_limits_are_21405(ksef, changed, detail):
    reply = ksef.call("POST", "/testdata/rate-limits", wanted(**changed), bearer=ksef.access())

    assert reply.error == (21405, detail)


@pytest.mark.parametrize(
    ("name", "send"),
    [
        ("production", Rates(10, 30, 180)),
        ("off", Rates(-1, -1, -1)),
        ("10", Rates(100, 300, 1800)),
        ("0.5", Rates(5, 15, 90)),
        ("0.01", Rates(1, 1, 1)),
    ],
)
def test_limits_are_named_on_the_command_line(name, send):
    assert rates_named(name)["invoiceSend"] == send


def test_a_factor_leaves_no_limit_without_limit():
    assert rates_named("10")["anonymous"] == Rates(600, -1, -1)


@pytest.mark.parametrize("name", ["", "none", "-1", "0", "nan", "inf"])
def test_another_name_is_refused_with_what_is_possible(name):
    with pytest.raises(ValueError, match="production, off, or a positive factor"):
        rates_named(name)
