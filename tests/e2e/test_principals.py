"""The thread on a broker that asks everybody who they are: each worker and ERP has its own rights only."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from uuid import UUID

import pytest

from contracts.results import DocumentResult
from contracts.sales import Outcome
from services import WORKERS
from stack.local import Addresses
from tests.support.erp_desk import BLOCKS, Desk
from tests.support.secured import ADMIN, Secured, environ_of, password_of, secured_broker
from tests.support.system import System, document_id, invoice, running_system

PRINCIPALS = [*(f"ksef-{worker}" for worker in WORKERS), "ksef-operator", "erp-sap-north"]


@pytest.fixture
def secured() -> Iterator[Secured]:
    with secured_broker(PRINCIPALS, prefix="") as broker:
        yield broker


@pytest.fixture
def guarded_system(tmp_path: Path, secured: Secured, database: str) -> Iterator[System]:
    """The commands run as the admin, each worker as itself; no ACL is there yet."""
    addresses = Addresses(kafka_bootstrap=secured.broker.bootstrap_servers, postgres_dsn=database)
    admin = environ_of(secured.settings(ADMIN))
    with running_system(tmp_path, addresses, dsn=database, topic_prefix="", more=admin) as running:
        running.credentials = lambda worker: environ_of(secured.settings(f"ksef-{worker}"))
        yield running


async def test_a_document_comes_to_its_end_though_nobody_may_do_more_than_their_own_work(
    guarded_system: System, secured: Secured, tmp_path: Path
) -> None:
    erp = guarded_system.connected_as(secured.settings("erp-sap-north"))
    operator = guarded_system.connected_as(secured.settings("ksef-operator"))
    applied = await guarded_system.command("topics", "acl", "--apply")
    assert "created: User:erp-sap-north Write on topic erp.sap-north.sales.v1" in applied.splitlines()

    guarded_system.start()
    await guarded_system.produce("sales.document.accepted.v1", b"not an event")
    await erp.publish("sap-north", [invoice("FV/A1")])

    results = await erp.results(["sap-north"], until=has_receipt, seconds=150)
    assert results[document_id("FV/A1")][-1].outcome is Outcome.ISSUED
    assert [entry["number"] for entry in guarded_system.simulator.accepted()] == ["FV/A1"]
    (letter,) = await operator.read("ksef.mapper.dlq")
    assert letter.value == b"not an event"
    complaints = [line for worker in WORKERS for line in guarded_system.log_lines(worker) if is_refusal(line)]
    assert complaints == []
    assert "all ACLs are as they should be" in await guarded_system.command("topics", "acl", "--apply")

    team = await desk_of_the_erps_team(secured, tmp_path / "desk")
    await team.shell("console-publish")
    lines = await team.results(until=lambda line: '"step":"completed"' in line and "FV/2026/11/100" in line)
    assert '"outcome":"issued"' in lines[-1]


async def desk_of_the_erps_team(secured: Secured, directory: Path) -> Desk:
    """With the page's document and settings: a password by SCRAM, over TLS."""
    await asyncio.to_thread(secured.add_scram_user, "erp-sap-north")
    desk = Desk(
        directory,
        bootstrap_servers=f"127.0.0.1:{secured.tls_port}",
        topic_prefix="",
        client_properties=BLOCKS["client.properties"].text.replace(
            "the-password", password_of("erp-sap-north")
        ),
    )
    desk.write("kafka-ca.pem", secured.ca_file.read_text("utf-8"))
    desk.write("invoice.json", BLOCKS["invoice.json"].text)
    return desk


def has_receipt(found: Mapping[UUID, Sequence[DocumentResult]]) -> bool:
    return any(steps[-1].upo for steps in found.values())


def is_refusal(line: dict[str, object]) -> bool:
    return line["event"] == "kafka_does_not_let_us" or "Authorization" in str(line.get("error"))
