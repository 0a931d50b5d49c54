"""Auditors and doctor beside running workers: silent while all is well, and not when something is broken."""

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cli.monitoring.checks import CHECKS
from contracts.sales import Outcome
from runtime.db import connect
from services.sender.coherence import STATE_AFTER
from stack.local import Addresses
from tests.support.stack import fresh_database, fresh_topic_prefix
from tests.support.system import BETA, System, document_id, invoice, running_system
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("audit")

RUNNING_IT = Path(__file__).parents[2] / "docs" / "operations" / "running.md"
_COMMAND = re.compile(r"^    ksef-courier ((?:doctor|audit).*?)(?:  .*)?$", re.MULTILINE)


@pytest.fixture(scope="module")
def system(
    tmp_path_factory: pytest.TempPathFactory, stack: Addresses, migrated_template: str
) -> Iterator[System]:
    """Everything, running, its auditors twice a second."""
    often = {"KSEF_COHERENCE__INTERVAL_SECONDS": "0.5"}
    directory = tmp_path_factory.mktemp("audited")
    with (
        fresh_database(stack.postgres_dsn, template=migrated_template) as dsn,
        fresh_topic_prefix(stack.kafka_bootstrap) as prefix,
        running_system(directory, stack, dsn=dsn, topic_prefix=prefix, more=often) as running,
    ):
        running.start()
        yield running


async def flow(system: System, name: str) -> None:
    """Documents with every kind of end: issued, refused by us, refused for an issued number."""
    first = [invoice(f"{name}/1"), invoice(f"{name}/2", nip=BETA), b"not json"]
    await system.publish("sap-north", first)
    await system.until_ended([document_id(f"{name}/1"), document_id(f"{name}/2", nip=BETA)])
    await system.publish("sap-north", [invoice(f"{name}/1", document_id=f"{name}/again", price="11.00")])
    results = await system.until_ended([document_id(f"{name}/again")])
    assert results[document_id(f"{name}/again")][-1].outcome is Outcome.REFUSED


async def incoherent(system: System, service: str) -> dict[str, float]:
    """The gauge of each check, as scraped."""
    families = text_string_to_metric_families(await system.get(service, "/metrics"))
    return {
        sample.labels["check"]: sample.value
        for family in families
        if family.name == "ksef_incoherent"
        for sample in family.samples
    }


async def checked_at(system: System, service: str) -> float:
    """When the service's checks were made last; 0 for never."""
    families = text_string_to_metric_families(await system.get(service, "/metrics"))
    values = [
        sample.value
        for family in families
        if family.name == "ksef_coherence_checked_timestamp_seconds"
        for sample in family.samples
    ]
    return max(values, default=0)


async def run(system: System, *arguments: str) -> tuple[int | None, str]:
    """Exit code and output of ``ksef-courier``."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", *arguments, env=dict(system.environ), stdout=asyncio.subprocess.PIPE
    )
    shown, _ = await process.communicate()
    return process.returncode, shown.decode()


async def execute(system: System, statement: str, *args: object) -> None:
    connection = await connect(system.settings.postgres)
    try:
        await connection.execute(statement, *args)
    finally:
        await connection.close()


def complaints(system: System) -> list[tuple[str, object]]:
    """What the auditors have logged so far."""
    return [
        (service, line)
        for service in CHECKS
        for line in system.log_lines(service)
        if line["event"] in ("incoherence_found", "coherence_check_failed")
    ]


async def test_the_auditors_of_running_workers_find_nothing_in_a_healthy_flow(system: System) -> None:
    said = complaints(system)
    await flow(system, "HEALTHY")
    before = {service: await checked_at(system, service) for service in CHECKS}

    async def all_have_looked_since() -> bool:
        return all([await checked_at(system, service) > before[service] for service in CHECKS])

    await until(all_have_looked_since, seconds=30)

    found = {service: await incoherent(system, service) for service in CHECKS}
    assert found == {service: {check.name: 0 for check in checks} for service, checks in CHECKS.items()}
    assert complaints(system) == said


async def test_every_event_that_the_sender_writes_about_a_document_is_one_that_is_compared(
    system: System,
) -> None:
    await flow(system, "EVENTS")

    events = await system.journal(document_id("EVENTS/1"))

    assert events == ["intent", "sent", "issued", "receipt-stored"]
    assert set(events) <= set(STATE_AFTER)


async def test_a_broken_table_shows_in_metric_log_and_audit_until_it_is_mended(system: System) -> None:
    await flow(system, "BROKEN")
    broken = document_id("BROKEN/1")
    await execute(system, "update sender.submission set state = 'rejected' where document_id = $1", broken)

    async def shows(rows: float) -> bool:
        return (await incoherent(system, "sender"))["state-not-the-journals"] == rows

    await until(lambda: shows(1), seconds=30)
    (line,) = [line for line in system.log_lines("sender") if line["event"] == "incoherence_found"]
    assert (line["check"], line["ids"]) == ("state-not-the-journals", [str(broken)])
    code, shown = await run(system, "audit", "--settled-seconds", "0")
    assert code == 1
    assert f"{broken}  tracker-disagrees  the sender says rejected, the tracker completed" in shown

    await execute(system, "update sender.submission set state = 'completed' where document_id = $1", broken)
    await until(lambda: shows(0), seconds=30)


async def test_the_doctor_finds_every_group_at_work_beside_running_workers(system: System) -> None:
    await system.until_ready()

    code, shown = await run(system, "doctor", "--json")

    findings = json.loads(shown)
    groups = [finding for finding in findings if finding["part"] == "groups"]
    assert [finding["level"] for finding in groups] == ["ok"] * 5
    assert [finding for finding in findings if finding["level"] == "problem"] == []
    assert code == 0


async def test_the_commands_of_the_page_work(system: System) -> None:
    await flow(system, "PAGE")
    commands = _COMMAND.findall(RUNNING_IT.read_text("utf-8"))

    answers = {command: await run(system, *command.split()) for command in commands}

    assert [command for command, (code, _) in answers.items() if code != 0] == []
    assert list(answers) == [
        "doctor",
        "doctor --skip ksef --json",
        "audit",
        "audit --days 35 --json",
    ]
    assert "this machine's clock agrees with KSeF's" in answers["doctor"][1]
    assert "ksef" not in {finding["part"] for finding in json.loads(answers["doctor --skip ksef --json"][1])}
    assert answers["audit"][1].endswith("documents compared: the books agree\n")


async def test_a_part_that_does_not_exist_cannot_be_skipped(system: System) -> None:
    code, _ = await run(system, "doctor", "--skip", "kafak")

    assert code == 2
