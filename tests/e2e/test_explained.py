"""What people and ERPs are told about documents, by the whole system: in words, and once more if need be."""

import asyncio
import time
from uuid import UUID

import pytest
from aiokafka import ConsumerRecord

from contracts import events
from tests.support.system import BETA, System, document_id, invoice

pytestmark = pytest.mark.xdist_group("explained")

PUBLISHED_AGAIN_SECONDS = 30


async def test_an_issued_invoice_is_explained_by_any_of_its_names(system: System) -> None:
    await system.publish("sap-north", [invoice("FV/E1")])
    await system.until_ended([document_id("FV/E1")])
    (accepted,) = system.accepted("FV/E1")

    by_number, by_ksef_number = await asyncio.gather(
        system.command("explain", "FV/E1", "--lang", "en"),
        system.command("explain", accepted["ksef_number"], "--lang", "en"),
    )

    assert by_number == by_ksef_number
    assert "Invoice FV/E1 (VAT, 12.30 PLN) of company 7010000117" in by_number
    assert f"It is issued: KSeF gave it the number {accepted['ksef_number']}." in by_number
    assert "receipt (UPO) stored (sender)" in by_number


async def test_a_refusal_is_explained_in_polish_with_what_to_do(system: System) -> None:
    await system.publish("sap-north", [invoice("FV/E2", price="10,00")])
    await system.until_ended([document_id("FV/E2")])

    told = await system.command("explain", "FV/E2", "--lang", "pl")

    assert "Odmowa: dokumentu nie wysłano do KSeF." in told
    assert "C16: lines[0].net_price nie jest zapisane cyframi z kropką dziesiętną: 10,00" in told
    assert "Zapisz same cyfry i kropkę dziesiętną: 1234.56." in told


async def test_a_document_that_a_stop_holds_back_is_explained_with_who_and_why(system: System) -> None:
    await system.command("pause", BETA, "--reason", "ceny do sprawdzenia", "--as", "anna")
    await system.publish("sap-north", [invoice("FV/E3", nip=BETA)])
    await system.until_ready_to_be_sent(1)
    await system.until_state([document_id("FV/E3", nip=BETA)], "admitted")

    told = await system.command("explain", "FV/E3", "--lang", "pl")
    await system.command("resume", BETA, "--reason", "sprawdzone")

    assert f"Wysyłkę firmy {BETA} wstrzymał(a) anna o " in told
    assert ": ceny do sprawdzenia" in told
    assert f"ksef-courier resume {BETA} --reason" in told


async def test_an_erp_that_lost_its_offsets_is_told_again_byte_for_byte(system: System) -> None:
    document = document_id("FV/E4")
    await system.publish("sap-north", [invoice("FV/E4")])
    await system.until_ended([document])
    first = await results_of(system, document)

    shown = await system.command(
        *("results", "replay", "--source", "sap-north", "--since", "2026-01-01T00:00:00Z"),
        *("--document", "FV/E4", "--yes", "--reason", "offsets lost"),
    )

    assert "6 results of 1 documents given to the tracker" in shown
    both = await until_results_of(system, document, count=12)
    assert [content(record) for record in both[6:]] == [content(record) for record in first]


async def results_of(system: System, document: UUID) -> list[ConsumerRecord]:
    """What the ERP can read about a document now, in order."""
    records = await system.read_to_the_end(events.results_topic("sap-north"))
    return [record for record in records if record.key == str(document).encode()]


async def until_results_of(system: System, document: UUID, *, count: int) -> list[ConsumerRecord]:
    deadline = time.monotonic() + PUBLISHED_AGAIN_SECONDS
    while len(found := await results_of(system, document)) < count:
        assert time.monotonic() < deadline, f"{len(found)} results of {document}, not {count}"
    return found


def content(record: ConsumerRecord) -> tuple[bytes | None, list[tuple[str, bytes]]]:
    return record.value, list(record.headers)
