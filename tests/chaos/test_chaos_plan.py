"""Documents and faults follow from the seed alone, and are what the dose says."""

from collections import Counter
from itertools import pairwise

from cli.config_files import checksum_holds
from tests.chaos.documents import (
    Contested,
    Document,
    Issued,
    Refused,
    Rejected,
    Traffic,
    companies,
    make_traffic,
)
from tests.chaos.plan import (
    LONG_ABSENCE_SECONDS,
    NOTHING,
    Dose,
    Event,
    Kill,
    Pause,
    StopKafka,
    StopPostgres,
    Terminate,
    dose_for,
    make_plan,
)

QUARTER = 15 * 60.0
LEASE = 6.0


def plan(*, seed: int = 1, seconds: float = QUARTER, dose: Dose | None = None) -> tuple[Event, ...]:
    return make_plan(seed=seed, seconds=seconds, dose=dose or dose_for(seconds / 60), lease_seconds=LEASE)


def faults_of(events: tuple[Event, ...], kind: type) -> list[Event]:
    return [event for event in events if isinstance(event.fault, kind)]


def traffic(*, seed: int = 1) -> Traffic:
    return make_traffic(seed=seed, documents=2000, seconds=100.0)


def fates(documents: tuple[Document, ...]) -> set[type]:
    return {type(document.fate) for document in documents}


def test_the_same_seed_gives_the_same_plan() -> None:
    assert plan(seed=5) == plan(seed=5)


def test_another_seed_gives_another_plan() -> None:
    assert plan(seed=5) != plan(seed=6)


def test_a_quarter_of_an_hour_has_the_kills_pauses_and_long_absences_of_a_full_run() -> None:
    events = plan()

    assert len(faults_of(events, Kill)) == 69
    assert len(faults_of(events, Pause)) == 21
    assert len(faults_of(events, Terminate)) == 13
    outages = [event.fault for event in events if isinstance(event.fault, StopKafka | StopPostgres)]
    assert sorted(type(fault).__name__ for fault in outages if fault.seconds == LONG_ABSENCE_SECONDS) == [
        "StopKafka",
        "StopPostgres",
    ]


def test_a_pause_outlives_the_lease() -> None:
    pauses = [event.fault.seconds for event in plan() if isinstance(event.fault, Pause)]

    assert min(pauses) > LEASE


def test_kafka_and_postgresql_are_never_away_at_the_same_time() -> None:
    outages = [
        (event.at_seconds, event.at_seconds + event.fault.seconds)
        for event in plan()
        if isinstance(event.fault, StopKafka | StopPostgres)
    ]

    assert len(outages) == 8
    assert [one for one, next_ in pairwise(outages) if one[1] >= next_[0]] == []


def test_every_fault_begins_within_the_time_and_in_order() -> None:
    times = [event.at_seconds for event in plan()]

    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= QUARTER


def test_every_worker_is_killed_and_both_senders_are_paused() -> None:
    killed = {event.fault.slot for event in plan() if isinstance(event.fault, Kill)}
    paused = {event.fault.slot for event in plan() if isinstance(event.fault, Pause)}

    assert killed == {
        "intake-1",
        "mapper-1",
        "validator-1",
        "validator-2",
        "sender-1",
        "sender-2",
        "tracker-1",
    }
    assert {"sender-1", "sender-2"} <= paused


def test_no_dose_no_faults() -> None:
    assert plan(dose=NOTHING) == ()


def test_the_same_seed_gives_the_same_documents() -> None:
    assert traffic(seed=3) == traffic(seed=3)


def test_every_fate_comes() -> None:
    assert fates(traffic().documents) == {Issued, Refused, Rejected, Contested}


def test_only_rivals_share_a_number() -> None:
    documents = traffic().documents
    counts = Counter((document.seller_nip, document.number) for document in documents)

    shared = {document for document in documents if counts[document.seller_nip, document.number] > 1}
    assert shared == {document for document in documents if isinstance(document.fate, Contested)}
    assert set(counts.values()) == {1, 2}


def test_document_ids_are_unique_and_each_one_is_published() -> None:
    made = traffic()

    ids = [document.document_id for document in made.documents]
    assert len(ids) == len(set(ids))
    assert {publication.document_id for publication in made.publications} == set(ids)
    assert len(made.publications) > len(ids)


def test_companies_have_numbers_that_pass_for_a_nip() -> None:
    nips = [company.nip for company in companies()]

    assert len(set(nips)) == 15
    assert [nip for nip in nips if not checksum_holds(nip)] == []
