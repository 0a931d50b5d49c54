"""The thread: an ERP's document becomes a KSeF number and a UPO. The tests share one running system."""

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

import ksef
from cli.monitoring.catalogue import SERIES, values_of, workers_of
from contracts.content import InlineContent
from contracts.sales import Outcome, State
from services import WORKERS
from tests.support.system import ALFA, BETA, GAMMA, System, any_number, document_id, invoice

pytestmark = pytest.mark.xdist_group("thread")

STEPS = ["accepted", "mapped", "admitted", "sent", "issued", "completed"]


async def test_an_invoice_becomes_a_ksef_number_and_a_receipt_that_proves_it(system: System) -> None:
    await system.publish("sap-north", [invoice("FV/1")])

    results = await system.until_ended([document_id("FV/1")])

    last = results[document_id("FV/1")][-1]
    (accepted,) = system.accepted("FV/1")
    assert last.outcome is Outcome.ISSUED
    assert last.ksef_number == accepted["ksef_number"]
    assert isinstance(last.upo, InlineContent)
    (receipt,) = ksef.parse_upo(last.upo.to_bytes()).documents
    assert (receipt.ksef_number, receipt.invoice_hash) == (accepted["ksef_number"], accepted["hash"])


async def test_every_step_is_reported_once_and_numbered_without_gaps(system: System) -> None:
    await system.publish("sap-north", [invoice("FV/2")])

    results = await system.until_ended([document_id("FV/2")])

    steps = results[document_id("FV/2")]
    assert [step.sequence for step in steps] == [1, 2, 3, 4, 5, 6]
    assert sorted(str(step.step) for step in steps) == sorted(STEPS)


async def test_one_trace_leads_from_the_publish_to_the_receipt(system: System) -> None:
    await system.publish("sap-north", [invoice("FV/3")])
    results = await system.until_ended([document_id("FV/3")])

    trace = results[document_id("FV/3")][-1].trace_id
    await system.until_spans(trace, {"publish", "accept", "map", "validate", "send", "upo", "report"})


async def test_the_same_document_again_is_the_same_document(system: System) -> None:
    await system.publish("sap-north", [invoice("FV/4")])
    await system.until_ended([document_id("FV/4")])

    await system.publish("sap-north", [invoice("FV/4"), invoice("FV/5")])

    results = await system.until_ended([document_id("FV/4"), document_id("FV/5")])
    assert len(system.accepted("FV/4")) == 1
    assert len(results[document_id("FV/4")]) == len(STEPS)


async def test_two_documents_that_want_one_number_at_the_same_time_issue_it_once(system: System) -> None:
    rivals = [invoice("FV/6", document_id="A"), invoice("FV/6", document_id="B", price="99.00")]
    await system.publish("sap-north", rivals)

    results = await system.until_ended([document_id("A"), document_id("B")])

    ends = {results[document_id(name)][-1].outcome: results[document_id(name)] for name in "AB"}
    assert set(ends) == {Outcome.ISSUED, Outcome.REFUSED}
    assert len(system.accepted("FV/6")) == 1
    assert ends[Outcome.REFUSED][-1].findings[0].code == "D02"
    assert State.WAITING in {step.step for step in ends[Outcome.REFUSED]}


async def test_a_changed_document_under_the_same_revision_is_told_so_and_changes_nothing(
    system: System,
) -> None:
    await system.publish("sap-north", [invoice("FV/7")])
    await system.until_ended([document_id("FV/7")])

    await system.publish("sap-north", [invoice("FV/7", price="11.00")])

    results = await system.results(
        ["sap-north"], until=lambda found: len(found.get(document_id("FV/7"), [])) == len(STEPS) + 1
    )
    last = results[document_id("FV/7")][-1]
    assert (last.step, last.state, last.outcome) == (State.REVISION_REUSED, State.COMPLETED, Outcome.ISSUED)
    assert [finding.code for finding in last.findings] == ["I08"]
    assert len(system.accepted("FV/7")) == 1


async def test_a_source_cannot_speak_for_a_company_of_another_source(system: System) -> None:
    await system.publish("shop", [invoice("FV/8", nip=ALFA)])

    results = await system.until_ended([document_id("FV/8", nip=GAMMA)])

    (refused,) = results[document_id("FV/8", nip=GAMMA)]
    assert [finding.code for finding in refused.findings] == ["I07"]
    assert system.accepted("FV/8") == []


async def test_each_company_is_sent_for_in_its_own_context(system: System) -> None:
    await system.publish("sap-north", [invoice("FV/9"), invoice("FV/10", nip=BETA)])
    await system.publish("shop", [invoice("FV/11", nip=GAMMA)])

    await system.until_ended(
        [document_id("FV/9"), document_id("FV/10", nip=BETA), document_id("FV/11", nip=GAMMA)]
    )

    contexts = {number: system.accepted(number)[0]["context"] for number in ("FV/9", "FV/10", "FV/11")}
    assert contexts == {"FV/9": ALFA, "FV/10": BETA, "FV/11": GAMMA}


async def test_status_prints_the_whole_life_with_times(system: System) -> None:
    await system.publish("sap-north", [invoice("FV/12")])
    await system.until_ended([document_id("FV/12")])

    shown = await system.command("status", "FV/12")

    assert [step for step in STEPS if step not in shown] == []
    assert system.accepted("FV/12")[0]["ksef_number"] in shown
    assert str(document_id("FV/12")) in shown


async def test_a_company_that_is_paused_waits_while_others_go_on(system: System) -> None:
    await system.command("pause", ALFA, "--reason", "prices under review")
    await system.publish("sap-north", [invoice("FV/40"), invoice("FV/41", nip=BETA)])
    await system.until_ended([document_id("FV/41", nip=BETA)])
    await system.until_state([document_id("FV/40")], "admitted")
    shown = await system.command("status")
    posted_meanwhile = system.accepted("FV/40")

    await system.command("resume", ALFA, "--reason", "checked")
    await system.until_ended([document_id("FV/40")])

    assert f"paused company:{ALFA}" in shown
    assert "prices under review" in shown
    assert posted_meanwhile == []
    assert len(system.accepted("FV/40")) == 1
    assert "paused" not in await system.command("status")


async def test_a_source_that_is_added_while_everything_runs_is_read_within_seconds(system: System) -> None:
    await system.add_source("new-erp", companies=[BETA])

    await system.publish("new-erp", [invoice("FV/13", nip=BETA)])

    results = await system.results(["new-erp"], until=any_number)
    assert [steps[0].source for steps in results.values()] == ["new-erp"]


async def test_a_document_of_an_unknown_source_waits_until_the_source_is_configured(system: System) -> None:
    await system.create_topics("late-erp")
    await system.publish("late-erp", [invoice("FV/14", nip=BETA)])

    await system.add_source("late-erp", companies=[BETA])

    results = await system.results(["late-erp"], until=any_number)
    assert len(results) == 1


async def test_large_documents_travel_by_reference_and_arrive_whole(system: System) -> None:
    await system.publish("sap-north", [invoice("FV/15", lines=3000)])

    results = await system.until_ended([document_id("FV/15")])

    assert results[document_id("FV/15")][-1].outcome is Outcome.ISSUED
    mapped = await system.read("sales.invoice.mapped.v1", key=document_id("FV/15"))
    assert b'"kind":"stored"' in mapped[0].value


async def test_a_record_that_is_no_event_of_ours_costs_the_others_nothing(system: System) -> None:
    await system.produce("sales.document.accepted.v1", b"not an event", headers=[("ce_type", b"\xff")])
    await system.publish("sap-north", [invoice("FV/16")])

    await system.until_ended([document_id("FV/16")])

    letters = await system.read("ksef.mapper.dlq")
    assert letters[0].value == b"not an event"
    assert dict(letters[0].headers)["dlq_reason"] == b"undecodable"


async def test_workers_tell_that_they_live_and_are_ready_and_what_they_count(system: System) -> None:
    await system.until_ready()

    alive = [await system.get(worker, "/livez") for worker in WORKERS]
    assert [answer[:2] for answer in alive] == ["ok"] * len(WORKERS)


async def test_every_series_that_a_worker_shows_is_one_that_the_reference_tells_of(system: System) -> None:
    await system.publish("sap-north", [invoice("FV/18"), b"not json"])
    await system.until_ended([document_id("FV/18")])

    shown = [(worker, sample) for worker in WORKERS for sample in await samples(system, worker)]

    assert {misplaced for worker, sample in shown for misplaced in undeclared(worker, sample)} == set()
    assert {worker for worker, sample in shown if sample.name == "ksef_worker_ready"} == set(WORKERS)


async def samples(system: System, worker: str) -> list[Sample]:
    """Our series, as scraped."""
    families = text_string_to_metric_families(await system.get(worker, "/metrics"))
    return [sample for family in families for sample in family.samples if sample.name.startswith("ksef_")]


def undeclared(worker: str, sample: Sample) -> Iterator[str]:
    """What of a sample the catalogue does not know."""
    metric = SERIES.get(sample.name)
    if metric is None or worker not in workers_of(metric):
        yield f"{worker} shows {sample.name}"
        return
    labels = {label: value for label, value in sample.labels.items() if label != "le"}
    if labels.keys() != metric.labels.keys():
        yield f"{sample.name} has the labels {sorted(labels)}"
    for label, value in labels.items():
        if value not in values_of(metric, label):
            yield f"{sample.name} has {label}={value}"


async def test_no_log_line_shows_a_document_or_a_secret(system: System) -> None:
    await system.publish("sap-north", [invoice("FV/17", price="31415.92")])
    await system.until_ended([document_id("FV/17")])

    logs = system.all_logs()

    secrets = [value for name, value in system.environ.items() if "TOKEN" in name or "MASTER" in name]
    assert [secret[:20] for secret in secrets if secret in logs] == []
    assert "31415.92" not in logs
    assert "Odbiornik Polny" not in logs
