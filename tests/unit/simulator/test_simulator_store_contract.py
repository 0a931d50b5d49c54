"""What both forms of the store promise; every test runs on both."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from simulator.protocol.identifiers import Identifier
from simulator.rates import PRODUCTION, Rates
from simulator.store.rows import (
    Challenge,
    Company,
    DuplicateKey,
    Invoice,
    KsefToken,
    Login,
    Session,
    Tally,
)

T = datetime(2026, 11, 20, 11, 0, 0, 123457, tzinfo=UTC)
CONTEXT = Identifier("Nip", "5265877635")
OTHER = Identifier("Nip", "1111111111")
KEY = DuplicateKey("5265877635", "VAT", "FV/1")


def session(reference: str = "S1", context: Identifier = CONTEXT) -> Session:
    return Session(
        reference=reference,
        context=context,
        subject=Identifier("Pesel", "90010112345"),
        token_reference="T1",
        key=b"k" * 32,
        iv=b"i" * 16,
        opened_at=T,
        valid_until=T + timedelta(hours=12),
        key_judged_at=T + timedelta(seconds=1),
        closing_takes=timedelta(milliseconds=250),
        checks_identifiers=True,
    )


def invoice(ordinal: int = 1, **changed: object) -> Invoice:
    blank = Invoice(
        session="S1",
        ordinal=ordinal,
        reference=f"I{ordinal}",
        context=CONTEXT,
        hash=f"hash-{ordinal}",
        size=1930,
        received_at=T,
        decided_at=T + timedelta(seconds=1),
        stored_at=T + timedelta(seconds=2),
        code=450,
    )
    return replace(blank, **changed)


def accepted(ordinal: int = 1, **changed: object) -> Invoice:
    fields = {
        "code": 200,
        "key": KEY,
        "issued_on": date(2026, 11, 19),
        "ksef_number": f"N{ordinal}",
        "mode": "Offline",
        **changed,
    }
    return invoice(ordinal, **fields)


def test_kept_values_come_back_and_may_be_replaced(store):
    assert store.kept_value("key") is None

    store.keep_value("key", b"\x00one")
    store.keep_value("key", b"\x00two")

    assert store.kept_value("key") == b"\x00two"


def test_companies_are_listed_by_nip_and_renamed(store):
    store.put_company(Company("5265877635", "Huta"))
    store.put_company(Company("1111111111", "Odbiorca"))
    store.put_company(Company("5265877635", "Huta Testowa"))

    assert list(store.companies()) == [
        Company("1111111111", "Odbiorca"),
        Company("5265877635", "Huta Testowa"),
    ]
    assert store.company("5265877635") == Company("5265877635", "Huta Testowa")
    assert store.company("9999999999") is None


def test_self_billing_is_granted_one_way(store):
    store.put_self_billing(seller_nip="5265877635", buyer_nip="1111111111")
    store.put_self_billing(seller_nip="5265877635", buyer_nip="1111111111")

    assert store.self_billing_granted(seller_nip="5265877635", buyer_nip="1111111111")
    assert not store.self_billing_granted(seller_nip="1111111111", buyer_nip="5265877635")


def test_a_token_is_found_by_reference_and_by_digest_and_can_be_revoked(store):
    token = KsefToken("T1", "d1", CONTEXT, OTHER, ("InvoiceRead", "InvoiceWrite"))
    store.put_token(token)
    assert store.token("T1") == store.token_with_digest("d1") == token

    store.put_token(replace(token, revoked_at=T))

    assert store.token_with_digest("d1") == replace(token, revoked_at=T)
    assert store.token("T2") is None
    assert store.token_with_digest("d2") is None


def test_a_challenge_is_taken_once(store):
    challenge = Challenge("C1", 1795170000123, T)
    store.add_challenge(challenge, forget_before=T - timedelta(minutes=10))

    assert store.take_challenge("C1") == challenge
    assert store.take_challenge("C1") is None


def test_old_challenges_are_forgotten_when_a_new_one_comes(store):
    store.add_challenge(Challenge("C1", 1, T), forget_before=T)
    store.add_challenge(Challenge("C2", 2, T + timedelta(minutes=11)), forget_before=T + timedelta(minutes=1))

    assert store.take_challenge("C1") is None
    assert store.take_challenge("C2") is not None


def test_a_login_comes_back_whole_and_changes(store):
    login = Login(
        reference="A1",
        context=CONTEXT,
        subject=OTHER,
        permissions=("InvoiceWrite",),
        token_reference="T1",
        started_at=T,
        decided_at=T + timedelta(milliseconds=70),
        code=450,
        details=("Nieprawidłowy token",),
        allowed_ips={"ip4Addresses": ("10.0.0.1",), "ip4Ranges": (), "ip4Masks": ()},
    )
    store.put_login(login)
    assert store.login("A1") == login

    changed = replace(login, redeemed_at=T, refreshed_at=T, revoked_at=T)
    store.put_login(changed)

    assert store.login("A1") == changed
    assert store.login("A2") is None


def test_a_session_comes_back_whole_and_closes(store):
    store.add_session(session())

    assert store.session("S1") == replace(session(), seq=1)
    assert store.session("S2") is None

    store.close_session("S1", at=T + timedelta(minutes=5))

    assert store.session("S1") == replace(session(), seq=1, closed_at=T + timedelta(minutes=5))


def test_a_session_without_a_key_comes_back_without_a_key(store):
    store.add_session(replace(session(), key=None))

    assert store.session("S1").key is None


def test_sessions_are_listed_newest_first_by_context_below_a_seq(store):
    for reference, context in (("S1", CONTEXT), ("S2", OTHER), ("S3", CONTEXT), ("S4", CONTEXT)):
        store.add_session(session(reference, context))

    def listed(**how: object) -> list[str]:
        return [found.reference for found in store.sessions(**{"before_seq": None, "limit": 10, **how})]

    assert listed(context=CONTEXT) == ["S4", "S3", "S1"]
    assert listed(context=CONTEXT, limit=2) == ["S4", "S3"]
    assert listed(context=CONTEXT, before_seq=3) == ["S1"]
    assert listed(context=None) == ["S4", "S3", "S2", "S1"]


def test_an_invoice_comes_back_whole_with_its_seq(store):
    store.add_session(session())
    full = accepted(
        details=("a", "b"),
        original_session="S0",
        original_ksef_number="N0",
        corrected_hash="hash-0",
    )

    kept = store.add_invoice(full)

    assert kept == replace(full, seq=1)
    assert store.invoice("I1") == kept
    assert store.invoice_with_ksef_number("N1") == kept
    assert store.invoice("I2") is None
    assert store.invoice_with_ksef_number("N2") is None


def test_invoices_are_read_after_a_seq_in_order_of_arrival(store):
    assert store.last_seq() == 0
    for ordinal in range(1, 31):
        store.add_invoice(invoice(ordinal))

    assert store.last_seq() == 30
    assert [found.seq for found in store.invoices_after(0, limit=3)] == [1, 2, 3]
    assert [found.seq for found in store.invoices_after(27, limit=10)] == [28, 29, 30]
    assert [found.seq for found in store.invoices_after(27, limit=2)] == [28, 29]
    assert list(store.invoices_after(30, limit=10)) == []


def test_ordinals_count_per_session(store):
    store.add_invoice(invoice(1))
    store.add_invoice(invoice(2))

    assert store.last_ordinal("S1") == 2
    assert store.last_ordinal("S2") == 0


def test_a_sessions_invoices_are_paged_by_ordinal(store):
    for ordinal in range(1, 6):
        store.add_invoice(invoice(ordinal))
    store.add_invoice(invoice(1, session="S2", reference="X1"))

    assert [i.ordinal for i in store.invoices_of("S1", after_ordinal=0, limit=2)] == [1, 2]
    assert [i.ordinal for i in store.invoices_of("S1", after_ordinal=2, limit=9)] == [3, 4, 5]


def test_invoices_received_after_a_moment_can_be_left_out(store):
    store.add_invoice(invoice(1))
    store.add_invoice(invoice(2, received_at=T + timedelta(seconds=5)))

    seen = store.invoices_of("S1", after_ordinal=0, limit=9, received_by=T)

    assert [i.ordinal for i in seen] == [1]


def test_failed_invoices_are_those_refused_by_a_moment(store):
    store.add_invoice(accepted(1))
    store.add_invoice(invoice(2, code=450, decided_at=T))
    store.add_invoice(invoice(3, code=440, decided_at=T + timedelta(seconds=9)))

    seen = store.invoices_of("S1", after_ordinal=0, limit=9, failed_by=T)

    assert [i.ordinal for i in seen] == [2]


def test_a_tally_counts_what_is_decided_and_looks_past_it_for_the_last_moments(store):
    store.add_invoice(accepted(1, decided_at=T))
    store.add_invoice(invoice(2, decided_at=T))
    store.add_invoice(invoice(3, received_at=T + timedelta(seconds=1), decided_at=T + timedelta(seconds=9)))

    assert store.tally("S1", now=T) == Tally(
        total=3,
        accepted=1,
        failed=1,
        last_received_at=T + timedelta(seconds=1),
        last_decided_at=T + timedelta(seconds=9),
    )
    assert store.tally("S2", now=T) == Tally()


def test_only_accepted_invoices_hold_a_key_and_the_latest_counts(store):
    store.add_invoice(invoice(1, key=KEY))
    assert store.accepted_with_key(KEY) is None

    store.add_invoice(accepted(2))
    store.add_invoice(accepted(3))

    assert store.accepted_with_key(KEY).reference == "I3"
    assert store.accepted_with_key(DuplicateKey("5265877635", "KOR", "FV/1")) is None


def test_accepted_hashes_and_corrections_are_found(store):
    store.add_invoice(invoice(1))
    store.add_invoice(accepted(2, corrected_hash="hash-1"))

    assert store.accepted_with_hash("hash-1") is None
    assert store.accepted_with_hash("hash-2").reference == "I2"
    assert store.accepted_correction_of("hash-1").reference == "I2"
    assert store.accepted_correction_of("hash-2") is None


def test_a_receipt_is_kept_byte_for_byte(store):
    assert store.receipt("N1") is None

    store.keep_receipt("N1", b"<Potwierdzenie/>\xc4\x85")

    assert store.receipt("N1") == b"<Potwierdzenie/>\xc4\x85"


def test_a_contexts_own_limits_are_set_replaced_and_dropped(store):
    own = {**PRODUCTION, "invoiceSend": Rates(1, 2, 3)}
    store.put_rates(CONTEXT, PRODUCTION)
    store.put_rates(CONTEXT, own)

    assert store.rates(CONTEXT) == own
    assert store.rates(OTHER) is None

    store.put_rates(CONTEXT, None)

    assert store.rates(CONTEXT) is None
