"""The admin port: its token, minting, looking inside, controls, faults."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from simulator.admin.core import Admin
from simulator.faults import AnswerAfter, DelayAnswer, LoseAnswer
from simulator.policy import Policy, Span
from simulator.rates import Rates
from simulator.wire import Request
from tests.support.simulator_driver import BUYER, SELLER, Ksef, Reply, fa3

ADMIN_TOKEN = "admin-token"


@dataclass
class Desk:
    ksef: Ksef
    admin: Admin

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str = ADMIN_TOKEN,
        query: tuple[tuple[str, str], ...] = (),
    ) -> Reply:
        request = Request(
            method,
            path,
            query=query,
            headers={"authorization": f"Bearer {token}"},
            body=b"" if body is None else json.dumps(body).encode(),
        )
        answer = self.admin.handle(request, now=self.ksef.now, rng=self.ksef.rng, store=self.ksef.store)
        return Reply(answer.status, dict(answer.headers), answer.body)

    def ok(self, method: str, path: str, body: object = None, **how: Any) -> Any:
        reply = self.call(method, path, body, **how)
        assert reply.status in (200, 201), reply.raw
        return reply.json


@pytest.fixture
def desk(keys) -> Desk:
    ksef = Ksef(keys, policy=Policy(open_world=True))
    return Desk(ksef, Admin(ksef.site, token=ADMIN_TOKEN))


@pytest.mark.parametrize("token", ["", "Admin-token", "admin-toke", "admin-tokens", "żółć"])
def test_a_wrong_token_is_401(desk, token):
    reply = desk.call("GET", "/companies", token=token)

    assert reply.status == 401
    assert reply.json["error"].startswith("The admin port wants the bearer token")


def test_unknown_paths_and_methods_are_404_and_405(desk):
    assert desk.call("GET", "/nothing").status == 404
    assert desk.call("POST", "/delays").status == 405


def test_a_minted_token_logs_in_with_its_permissions(desk):
    minted = desk.ok("POST", "/tokens", {"nip": SELLER, "permissions": ["invoicewrite"]})

    assert minted["token"].startswith(f"{minted['referenceNumber']}|nip-{SELLER}|")
    access, _ = desk.ksef.tokens(minted["token"])
    assert desk.ksef.call("GET", "/limits/context", bearer=access).status == 200
    assert desk.ksef.store.token(minted["referenceNumber"]).permissions == ("InvoiceWrite",)


def test_a_token_may_authenticate_another_subject(desk):
    subject = {"type": "Nip", "value": BUYER}

    minted = desk.ok("POST", "/tokens", {"nip": SELLER, "subject": subject})

    assert desk.ksef.store.token(minted["referenceNumber"]).subject.value == BUYER


def test_a_token_is_revoked(desk):
    minted = desk.ok("POST", "/tokens", {"nip": SELLER})

    assert desk.call("POST", f"/tokens/{minted['referenceNumber']}/revoke").status == 204
    assert desk.ksef.login_status(minted["token"])["details"] == ["Token unieważniony"]
    assert desk.call("POST", "/tokens/unknown/revoke").status == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"nip": "123"},
        {"nip": SELLER, "permissions": ["Fly"]},
        {"nip": SELLER, "subject": {"type": "Cat", "value": "1"}},
    ],
)
def test_a_wrong_mint_is_400(desk, body):
    assert desk.call("POST", "/tokens", body).status == 400


def test_a_closed_world_mints_for_known_companies_only(keys):
    ksef = Ksef(keys)
    desk = Desk(ksef, Admin(ksef.site, token=ADMIN_TOKEN))

    refused = desk.call("POST", "/tokens", {"nip": SELLER})
    desk.ok("POST", "/companies", {"nip": SELLER, "name": "Huta"})
    minted = desk.call("POST", "/tokens", {"nip": SELLER})

    assert refused.status == 404
    assert refused.json == {
        "error": f"No company {SELLER}: name it in the seed, add it first, or start with --open-world."
    }
    assert minted.status == 201


def test_an_open_world_remembers_the_companies_it_met(desk):
    desk.ok("POST", "/tokens", {"nip": SELLER})

    assert desk.ok("GET", "/companies") == {"companies": [{"nip": SELLER, "name": SELLER}]}


def test_a_company_comes_with_its_grants(desk):
    desk.ok("POST", "/companies", {"nip": BUYER, "name": "B", "self_billing_buyers": [SELLER]})

    assert desk.ksef.verdict(fa3(seller=BUYER, buyer=SELLER, self_billed=True))["code"] == 200


@pytest.mark.parametrize("body", [None, [], {"nip": 1}, {"nip": SELLER, "tokens": 3}])
def test_a_wrong_company_is_400(desk, body):
    assert desk.call("POST", "/companies", body).status == 400


def test_sessions_and_invoices_can_be_looked_at(desk):
    bearer = desk.ksef.access()
    session = desk.ksef.open(bearer)
    reference = desk.ksef.send(session, fa3("FV/1"), bearer=bearer)
    desk.ksef.send(session, fa3("FV/1"), bearer=bearer)

    (shown,) = desk.ok("GET", "/sessions", query=(("nip", SELLER),))["sessions"]
    first, second = desk.ok("GET", "/invoices")["invoices"]

    assert (shown["referenceNumber"], shown["invoices"], shown["accepted"], shown["failed"]) == (
        session,
        2,
        1,
        1,
    )
    assert (first["referenceNumber"], first["number"], first["verdict"]) == (reference, "FV/1", 200)
    assert (second["verdict"], second["ksefNumber"]) == (440, None)
    assert desk.ok("GET", "/sessions", query=(("nip", BUYER),)) == {"sessions": []}


def test_invoices_are_read_on_from_where_one_stopped(desk):
    bearer = desk.ksef.access()
    session = desk.ksef.open(bearer)
    for number in range(1, 6):
        desk.ksef.send(session, fa3(f"FV/{number}"), bearer=bearer)

    def numbers(*query: tuple[str, str]) -> list[str]:
        return [invoice["number"] for invoice in desk.ok("GET", "/invoices", query=query)["invoices"]]

    assert numbers(("limit", "2")) == ["FV/1", "FV/2"]
    assert numbers(("after", "3")) == ["FV/4", "FV/5"]
    assert numbers(("session", session), ("after", "4")) == ["FV/5"]
    assert desk.call("GET", "/invoices", query=(("limit", "x"),)).status == 400


def test_the_acceptance_log_is_read_as_json_lines(desk):
    desk.ksef.verdict(fa3("FV/1"))
    desk.ksef.verdict(fa3("FV/1"))

    reply = desk.call("GET", "/acceptance")
    later = desk.call("GET", "/acceptance", query=(("after", "1"),))

    entries = [json.loads(line) for line in reply.raw.splitlines()]
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert [(e["event"], e.get("number"), e.get("verdict")) for e in entries] == [
        ("received", None, 200),
        ("accepted", "FV/1", None),
        ("received", None, 440),
    ]
    assert len(later.raw.splitlines()) == 1


def test_delays_are_read_and_changed_one_by_one(desk):
    before = desk.ok("GET", "/delays")

    after = desk.ok("PUT", "/delays", {"verdict": [1, 2.5]})

    assert after == {**before, "verdict": [1, 2.5]}
    assert desk.ksef.controls.delays.verdict == Span(1, 2.5)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"coffee": [1, 2]}, "unknown delay 'coffee'"),
        ({"verdict": [2, 1]}, "expected 0 <= least <= most"),
        ({"verdict": 5}, "delay 'verdict': expected [least, most] in seconds"),
        ({"verdict": [True, 2]}, "delay 'verdict': expected [least, most] in seconds"),
    ],
)
def test_an_impossible_delay_is_400_and_changes_nothing(desk, body, said):
    before = desk.ok("GET", "/delays")

    reply = desk.call("PUT", "/delays", body)

    assert reply.status == 400
    assert said in reply.json["error"]
    assert desk.ok("GET", "/delays") == before


def test_limits_are_changed(desk):
    assert desk.call("PUT", "/limits", {"limits": "2"}).status == 204
    assert desk.ksef.controls.rates["invoiceSend"] == Rates(20, 60, 360)
    assert desk.call("PUT", "/limits", {"limits": "many"}).status == 400


def test_a_list_lag_is_set_for_all_or_for_one(desk):
    assert desk.call("PUT", "/list-lag", {"seconds": 3}).status == 204
    assert desk.call("PUT", "/list-lag", {"seconds": 0.5, "nip": SELLER}).status == 204
    assert desk.ksef.controls.list_lags == {None: timedelta(seconds=3), SELLER: timedelta(seconds=0.5)}
    assert desk.call("PUT", "/list-lag", {"seconds": -1}).status == 400


def test_faults_are_armed_listed_and_withdrawn(desk):
    first = desk.ok("POST", "/faults", {"operation": "send_invoice", "effect": "lose_answer"})
    desk.ok(
        "POST",
        "/faults",
        {"operation": "*", "effect": "answer_after", "status": 502, "nip": SELLER, "after": 3, "times": 0},
    )
    desk.ok("POST", "/faults", {"operation": "get_session", "effect": "delay_answer", "seconds": 2})

    armed = desk.ksef.controls.faults.armed()
    listed = desk.ok("GET", "/faults")["faults"]

    assert [type(fault.effect) for fault in armed] == [LoseAnswer, AnswerAfter, DelayAnswer]
    assert (armed[1].context, armed[1].after, armed[1].times) == (SELLER, 3, None)
    assert listed[0] == {
        "id": 1,
        "operation": "send_invoice",
        "nip": None,
        "effect": "LoseAnswer",
        "after": 0,
        "times": 1,
        "seen": 0,
        "spoiled": 0,
        "spent": False,
    }
    assert desk.call("DELETE", f"/faults/{first['id']}").status == 204
    assert desk.call("DELETE", f"/faults/{first['id']}").status == 404
    assert len(desk.ok("GET", "/faults")["faults"]) == 2
    assert desk.call("DELETE", "/faults").status == 204
    assert desk.ok("GET", "/faults") == {"faults": []}


def test_an_ordered_answer_has_the_status_headers_and_body_ordered(desk):
    desk.ok(
        "POST",
        "/faults",
        {
            "operation": "issue_challenge",
            "effect": "answer_instead",
            "status": 429,
            "headers": {"Retry-After": "9", "Content-Type": "application/json"},
            "body": "{}",
        },
    )

    reply = desk.ksef.call("POST", "/auth/challenge")

    assert (reply.status, reply.raw) == (429, b"{}")
    assert reply.headers == {"retry-after": "9", "content-type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [
        {"operation": "send_invoices", "effect": "lose_answer"},
        {"operation": "send_invoice", "effect": "explode"},
        {"operation": "send_invoice", "effect": "answer_after"},
        {"operation": "send_invoice", "effect": "answer_after", "status": 99},
        {"operation": "send_invoice", "effect": "delay_answer"},
        {"operation": "send_invoice"},
    ],
)
def test_a_fault_that_cannot_be_is_400(desk, body):
    assert desk.call("POST", "/faults", body).status == 400
    assert desk.ksef.controls.faults.armed() == ()


def test_the_summary_counts(desk):
    desk.ksef.verdict(fa3())

    assert desk.ok("GET", "/") == {
        "profile": "test",
        "openWorld": True,
        "companies": 0,
        "invoices": 1,
        "faults": 0,
    }
