"""Faults on order: what happens behind a lost, replaced or late answer."""

import pytest

from simulator.faults import (
    ANY_OPERATION,
    AnswerAfter,
    AnswerInstead,
    DelayAnswer,
    Fault,
    LoseAnswer,
    gateway_page,
)
from simulator.wire import Response
from tests.support.simulator_driver import BUYER, SELLER, Ksef, fa3, send_request


@pytest.fixture
def bearer(ksef) -> str:
    return ksef.access()


@pytest.fixture
def session(ksef, bearer) -> str:
    return ksef.open(bearer)


def arm(ksef: Ksef, effect: object, *, operation: str = "send_invoice", **how: object) -> None:
    ksef.controls.faults.arm(Fault(operation=operation, effect=effect, **how))


def send(ksef: Ksef, session: str, bearer: str, number: str = "FV/1") -> int | None:
    """Status of the answer, or None when the connection was cut."""
    path = f"/sessions/online/{session}/invoices"
    reply = ksef.try_call("POST", path, send_request(fa3(number)), bearer=bearer)
    return None if reply is None else reply.status


def received(ksef: Ksef, session: str, bearer: str) -> int:
    return int(ksef.session(session, bearer=bearer).get("invoiceCount", 0))


def test_a_lost_answer_hides_an_accepted_invoice(ksef, session, bearer):
    arm(ksef, LoseAnswer())

    assert send(ksef, session, bearer) is None
    assert received(ksef, session, bearer) == 1
    assert send(ksef, session, bearer, "FV/2") == 202


def test_an_answer_instead_has_no_effect_behind_it(ksef, session, bearer):
    arm(ksef, AnswerInstead(gateway_page(503)))

    assert send(ksef, session, bearer) == 503
    assert received(ksef, session, bearer) == 0
    assert send(ksef, session, bearer) == 202


def test_an_answer_after_has_the_effect_behind_it(ksef, session, bearer):
    arm(ksef, AnswerAfter(gateway_page(502)))
    path = f"/sessions/online/{session}/invoices"

    reply = ksef.call("POST", path, send_request(fa3()), bearer=bearer)

    assert reply.status == 502
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert b"<h1>502</h1>" in reply.raw
    assert received(ksef, session, bearer) == 1


def test_a_late_answer_comes_with_its_delay(ksef, session, bearer):
    arm(ksef, DelayAnswer(1.5), operation="get_session")
    request_faulted = ksef.simulator.handle
    delays = []

    def handle(*args, **kwargs):
        answer = request_faulted(*args, **kwargs)
        delays.append(answer.delay_seconds)
        return answer

    ksef.simulator.handle = handle
    ksef.session(session, bearer=bearer)
    ksef.session(session, bearer=bearer)

    assert delays == [1.5, 0.0]


def test_a_fault_may_let_calls_pass_and_then_spoil_several(ksef, session, bearer):
    arm(ksef, AnswerInstead(gateway_page(500)), after=2, times=2)

    assert [send(ksef, session, bearer, f"FV/{n}") for n in range(6)] == [202, 202, 500, 500, 202, 202]


def test_a_fault_without_a_number_of_times_lasts_until_it_is_withdrawn(ksef, session, bearer):
    arm(ksef, AnswerInstead(gateway_page(500)), times=None)
    spoiled = [send(ksef, session, bearer) for _ in range(5)]

    ksef.controls.faults.withdraw_all()

    assert spoiled == [500] * 5
    assert send(ksef, session, bearer) == 202


def test_a_fault_of_one_context_leaves_the_others_alone(ksef, session, bearer):
    other = ksef.access(BUYER)
    others_session = ksef.open(other)
    arm(ksef, AnswerInstead(gateway_page(500)), context=BUYER, times=None)

    assert send(ksef, session, bearer) == 202
    assert send(ksef, others_session, other) == 500


def test_a_fault_of_one_operation_leaves_the_others_alone(ksef, session, bearer):
    arm(ksef, AnswerInstead(gateway_page(500)), operation="close_online_session")

    assert send(ksef, session, bearer) == 202
    assert ksef.close(session, bearer=bearer).status == 500
    assert ksef.close(session, bearer=bearer).status == 204


def test_a_fault_may_concern_every_operation(ksef, session, bearer):
    arm(ksef, AnswerInstead(gateway_page(500)), operation=ANY_OPERATION, times=2)

    assert ksef.call("POST", "/auth/challenge").status == 500
    assert send(ksef, session, bearer) == 500
    assert send(ksef, session, bearer) == 202


def test_a_fault_of_a_context_never_meets_a_call_without_one(ksef):
    arm(ksef, LoseAnswer(), operation="issue_challenge", context=SELLER)

    assert ksef.call("POST", "/auth/challenge").status == 200


def test_of_two_faults_due_the_older_spoils_and_the_younger_waits(ksef, session, bearer):
    arm(ksef, AnswerInstead(gateway_page(500)))
    arm(ksef, AnswerInstead(gateway_page(503)))

    assert [send(ksef, session, bearer) for _ in range(3)] == [500, 503, 202]


def test_calls_refused_for_their_token_are_not_counted(ksef, session, bearer):
    arm(ksef, LoseAnswer())

    assert send(ksef, session, "garbage") == 401
    assert send(ksef, session, bearer) is None


def test_a_refused_request_can_lose_its_answer_too(ksef, session, bearer):
    arm(ksef, LoseAnswer())
    path = f"/sessions/online/{session}/invoices"

    assert ksef.try_call("POST", path, b"{", bearer=bearer) is None
    assert received(ksef, session, bearer) == 0


def test_a_429_can_be_ordered_with_its_header(ksef, session, bearer):
    answer = Response(429, (("retry-after", "7"), ("content-type", "application/json")), b"{}")
    arm(ksef, AnswerInstead(answer))

    reply = ksef.try_send(session, fa3(), bearer=bearer)

    assert (reply.status, reply.headers["retry-after"]) == (429, "7")


def test_counts_of_a_fault_can_be_read(ksef, session, bearer):
    arm(ksef, AnswerInstead(gateway_page(500)), after=1)
    for number in range(3):
        send(ksef, session, bearer, f"FV/{number}")

    (fault,) = ksef.controls.faults.armed()

    assert (fault.id, fault.seen, fault.spoiled, fault.spent) == (1, 3, 1, True)
