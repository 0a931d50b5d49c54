"""The thread holds when KSeF misbehaves, or the sender dies in the middle of a call."""

import signal

import pytest

from contracts.sales import Outcome, State
from tests.support.system import System, document_id, invoice

pytestmark = pytest.mark.xdist_group("misbehaves")


async def test_a_send_whose_answer_was_lost_is_looked_up_and_never_repeated(system: System) -> None:
    system.fault("send_invoice", "lose_answer")
    await system.publish("sap-north", [invoice("L/1")])

    results = await system.until_ended([document_id("L/1")])

    assert results[document_id("L/1")][-1].outcome is Outcome.ISSUED
    assert len(system.received("L/1")) == 1


async def test_a_bad_gateway_after_the_effect_is_no_failure(system: System) -> None:
    system.fault("send_invoice", "answer_after", status=502)
    await system.publish("sap-north", [invoice("L/2")])

    await system.until_ended([document_id("L/2")])

    assert len(system.received("L/2")) == 1


async def test_a_bad_gateway_without_effect_is_sent_again_after_the_closed_sessions_list(
    system: System,
) -> None:
    system.fault("send_invoice", "answer_instead", status=502)
    await system.publish("sap-north", [invoice("L/3")])

    await system.until_ended([document_id("L/3")])

    assert len(system.received("L/3")) == 1
    assert "proven-absent" in await system.journal(document_id("L/3"))


async def test_an_invoice_hidden_from_the_open_sessions_list_is_not_taken_for_absent(system: System) -> None:
    system.simulator.admin("PUT", "/list-lag", {"seconds": 4})
    system.fault("send_invoice", "lose_answer")
    await system.publish("sap-north", [invoice("L/4")])

    await system.until_ended([document_id("L/4")])

    system.simulator.admin("PUT", "/list-lag", {"seconds": 0})
    assert len(system.received("L/4")) == 1


async def test_a_limit_is_waited_for_not_counted_as_a_failure(system: System) -> None:
    system.fault("send_invoice", "answer_instead", status=429, headers={"Retry-After": "2"})
    await system.publish("sap-north", [invoice("L/5")])

    await system.until_ended([document_id("L/5")])

    assert len(system.received("L/5")) == 1
    assert "not-posted" in await system.journal(document_id("L/5"))


async def test_a_number_that_a_foreign_program_used_is_parked_for_a_person(system: System) -> None:
    await system.issue_elsewhere("L/6", price="77.00")
    await system.publish("sap-north", [invoice("L/6")])

    results = await system.until_ended([document_id("L/6")])

    last = results[document_id("L/6")][-1]
    assert (last.state, last.outcome) == (State.PARKED, Outcome.NEEDS_ATTENTION)
    assert [finding.code for finding in last.findings] == ["S440"]
    assert last.findings[0].value == system.accepted("L/6")[0]["ksef_number"]


async def test_a_sender_killed_while_ksef_holds_its_request_finds_the_invoice_again(system: System) -> None:
    system.fault("send_invoice", "delay_answer", seconds=2)
    await system.publish("sap-north", [invoice("L/7")])
    await system.until_accepted("L/7")

    system.kill("sender")
    system.start("sender")

    await system.until_ended([document_id("L/7")])
    assert len(system.received("L/7")) == 1
    assert "found-in-session" in await system.journal(document_id("L/7"))


async def test_a_paused_sender_that_wakes_after_its_lease_was_taken_changes_nothing(system: System) -> None:
    await system.publish("sap-north", [invoice("L/8")])
    await system.until_ended([document_id("L/8")])
    system.signal("sender", signal.SIGSTOP)
    zombie = system.workers.pop("sender")
    system.start("sender")
    await system.publish("sap-north", [invoice(f"L/8-{turn}") for turn in range(5)])
    await system.until_ended([document_id(f"L/8-{turn}") for turn in range(5)])

    system.wake(zombie)
    await system.publish("sap-north", [invoice(f"L/9-{turn}") for turn in range(5)])
    await system.until_ended([document_id(f"L/9-{turn}") for turn in range(5)])

    system.end(zombie)
    numbers = [f"L/{part}-{turn}" for part in (8, 9) for turn in range(5)]
    assert [len(system.received(number)) for number in numbers] == [1] * 10


async def test_a_receipt_that_is_damaged_on_the_way_is_fetched_again(system: System) -> None:
    system.fault("get_upo_by_ksef_number", "answer_after", status=200, body="<Potwierdzenie/>")
    await system.publish("sap-north", [invoice("L/10")])

    results = await system.until_ended([document_id("L/10")])

    assert results[document_id("L/10")][-1].state == State.COMPLETED
