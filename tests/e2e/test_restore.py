"""A database restored from a copy that is older than what was sent: nothing twice, nothing lost."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from contracts.results import DocumentResult
from contracts.sales import Outcome
from tests.support import backup
from tests.support.system import ALFA, BETA, GAMMA, SOURCE_OF, System, document_id, invoice

pytestmark = pytest.mark.xdist_group("restore")

COMPANIES = (ALFA, BETA, GAMMA)
WORDY = {"price": "99.00", "lines": 1500}  # above what travels by value


def documents(first: int, last: int) -> list[tuple[str, str]]:
    return [(f"FV/{number}", COMPANIES[number % 3]) for number in range(first, last + 1)]


def ids_of(numbers: Sequence[tuple[str, str]]) -> list[UUID]:
    return [document_id(number, nip=nip) for number, nip in numbers]


async def publish(system: System, numbers: Sequence[tuple[str, str]]) -> None:
    for source in ("sap-north", "shop"):
        ours = [invoice(number, nip=nip) for number, nip in numbers if SOURCE_OF[nip] == source]
        await system.publish(source, ours)


async def stand_after_a_restore(system: System, directory: Path) -> datetime:
    """Ten documents issued, ten held back, a copy made; then those and forty more issued, and the copy back.

    Returns when the copy was made. Workers are stopped.
    """
    system.start()
    await system.until_ready()
    await publish(system, documents(1, 10))
    await system.until_ended(ids_of(documents(1, 10)))
    await system.command("pause", "--reason", "before the copy")
    await publish(system, documents(11, 20))
    await system.until_ready_to_be_sent(10)
    copied_at = datetime.now(UTC)
    await backup.dump(system.dsn, directory / "copy")
    await system.command("resume", "--reason", "after the copy")
    await publish(system, documents(21, 60))
    await system.publish("sap-north", [invoice("FV/LARGE", **WORDY), invoice("FV/BAD", price="never")])
    await system.until_ended([*ids_of(documents(11, 60)), document_id("FV/LARGE")])
    for worker in tuple(system.workers):
        system.kill(worker)
    await backup.restore(system.dsn, directory / "copy")
    return copied_at


async def test_after_recover_nothing_is_sent_twice_nothing_is_lost_and_sending_goes_on(
    own_system: System, tmp_path: Path
) -> None:
    system = own_system
    copied_at = await stand_after_a_restore(system, tmp_path)
    issued = {entry["number"]: entry["ksef_number"] for entry in system.simulator.accepted()}
    posts = len(system.simulator.log("received"))
    everything = [*ids_of(documents(1, 60)), document_id("FV/LARGE")]

    said = await system.command("recover", "--since", copied_at.isoformat(), "--reason", "disk lost", "--yes")
    system.start()
    await system.command("resume", "--reason", "the copy was made during a pause")
    await system.until_known_as(everything, "completed")

    assert "KSeF contexts to be looked up before anything is sent: 3" in said
    assert len(system.simulator.log("received")) == posts
    assert len(issued) == 61
    assert await system.ksef_numbers() == {
        **{document_id(number, nip=nip): issued[number] for number, nip in documents(1, 60)},
        document_id("FV/LARGE"): issued["FV/LARGE"],
    }
    assert await system.count_known() == 62  # the refused one too, and none of them twice

    await publish(system, documents(61, 66))
    results = await system.until_ended(ids_of(documents(61, 66)))

    assert {outcome_of(results[document]) for document in ids_of(documents(61, 66))} == {Outcome.ISSUED}
    assert [len(system.accepted(number)) for number, _ in documents(1, 66)] == [1] * 66


async def test_without_recover_the_sender_notices_and_asks_ksef_before_it_sends(
    own_system: System, tmp_path: Path
) -> None:
    system = own_system
    await stand_after_a_restore(system, tmp_path)
    posts = len(system.simulator.log("received"))

    system.start()
    await system.command("resume", "--reason", "the copy was made during a pause")
    await system.until_known_as(ids_of(documents(11, 20)), "completed")

    assert len(system.simulator.log("received")) == posts
    assert [line["event"] for line in system.log_lines("sender")].count("database_behind") == 3


def outcome_of(results: Sequence[DocumentResult]) -> Outcome:
    return max(results, key=lambda result: result.sequence).outcome
