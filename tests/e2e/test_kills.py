"""The thread holds when processes die: SIGKILL for each worker while documents flow."""

from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest

from contracts.results import DocumentResult
from contracts.sales import Outcome
from services import WORKERS
from tests.support.system import ALFA, BETA, GAMMA, SOURCE_OF, System, document_id, invoice

pytestmark = pytest.mark.xdist_group("kills")

DOCUMENTS = 100


async def test_each_worker_is_killed_once_while_documents_flow_and_every_document_has_one_fate(
    own_system: System,
) -> None:
    system = own_system
    companies = (ALFA, BETA, GAMMA)
    documents = [(f"FV/{number}", companies[number % 3]) for number in range(DOCUMENTS)]
    wanted = [document_id(number, nip=nip) for number, nip in documents]
    system.start()
    await system.until_ready()

    for turn, worker in enumerate(WORKERS):
        wave = slice(turn * 20, turn * 20 + 20)
        await _publish(system, documents[wave])
        await _until_seen(system, wanted[wave], at_least=5)
        system.kill(worker)
        system.start(worker)
    results = await system.until_ended(wanted, seconds=180)

    accepted = Counter(entry["number"] for entry in system.simulator.accepted())
    assert accepted == Counter(number for number, _ in documents)
    assert {results[document][-1].outcome for document in wanted} == {Outcome.ISSUED}
    assert _numbers_told(results, wanted) == {entry["ksef_number"] for entry in system.simulator.accepted()}
    assert [document for document in wanted if _gaps(results[document])] == []


async def _publish(system: System, documents: Sequence[tuple[str, str]]) -> None:
    for source in ("sap-north", "shop"):
        ours = [(number, nip) for number, nip in documents if SOURCE_OF[nip] == source]
        await system.publish(source, [invoice(number, nip=nip) for number, nip in ours])


async def _until_seen(system: System, wanted: Sequence[UUID], *, at_least: int) -> None:
    """Wait until some of these are under way, the others right behind them."""
    await system.results(
        ["sap-north", "shop"], until=lambda found: len(found.keys() & set(wanted)) >= at_least
    )


def _numbers_told(
    results: Mapping[UUID, Sequence[DocumentResult]], wanted: Sequence[UUID]
) -> set[str | None]:
    return {results[document][-1].ksef_number for document in wanted}


def _gaps(results: Sequence[DocumentResult]) -> set[int]:
    """Sequence numbers that an ERP never saw; repeats are allowed, gaps are not."""
    seen = {result.sequence for result in results}
    return set(range(1, max(seen) + 1)) - seen
