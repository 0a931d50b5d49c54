from datetime import UTC, datetime

import pytest

from ksef import (
    Accepted,
    Duplicate,
    NotDecrypted,
    NotPermitted,
    Pending,
    Rejected,
    SessionFailed,
    SessionPhase,
    SystemFailed,
)
from ksef.statuses import LoginVerdict, invoice_verdict, login_verdict, session_phase

NUMBER = "5265877635-20250826-0100001AF629-AF"


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (100, Pending()),
        (150, Pending()),
        (405, SessionFailed()),
        (410, NotPermitted()),
        (415, Rejected()),
        (430, Rejected()),
        (435, NotDecrypted()),
        (450, Rejected()),
        (500, SystemFailed()),
        (550, SystemFailed()),
    ],
)
def test_each_documented_invoice_code_has_its_verdict(code, verdict):
    assert invoice_verdict(code) == verdict


@pytest.mark.parametrize(("code", "verdict"), [(175, Pending()), (399, Pending()), (400, Rejected())])
def test_an_unknown_invoice_code_is_judged_by_its_range(code, verdict):
    assert invoice_verdict(code) == verdict


def test_an_accepted_invoice_carries_its_number_and_moment():
    moment = datetime(2026, 11, 20, 9, tzinfo=UTC)

    verdict = invoice_verdict(200, ksef_number=NUMBER, acquired_at=moment)

    assert verdict == Accepted(NUMBER, moment)


def test_success_without_a_number_is_asked_for_again():
    assert invoice_verdict(200) == Pending()


def test_a_duplicate_names_the_original():
    extensions = {
        "originalKsefNumber": NUMBER,
        "originalSessionReferenceNumber": "20250626-SO-…",
        "new": None,
    }

    assert invoice_verdict(440, extensions=extensions) == Duplicate(NUMBER, "20250626-SO-…")


@pytest.mark.parametrize("extensions", [None, {}, {"originalKsefNumber": None}, {"originalKsefNumber": 5}])
def test_a_duplicate_whose_original_is_not_named_is_still_one(extensions):
    assert invoice_verdict(440, extensions=extensions) == Duplicate(None, None)


@pytest.mark.parametrize(
    ("code", "phase", "final"),
    [
        (100, SessionPhase.OPEN, False),
        (170, SessionPhase.PROCESSING, False),
        (200, SessionPhase.DONE, True),
        (415, SessionPhase.KEY_REFUSED, True),
        (440, SessionPhase.CANCELLED, True),
        (445, SessionPhase.NO_VALID_INVOICES, True),
        (500, SessionPhase.FAILED, True),
        (180, SessionPhase.PROCESSING, False),
        (499, SessionPhase.FAILED, True),
    ],
)
def test_a_session_code_gives_phase_and_finality(code, phase, final):
    assert session_phase(code) is phase
    assert session_phase(code).is_final is final


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (100, LoginVerdict.PENDING),
        (200, LoginVerdict.DONE),
        (415, LoginVerdict.OPERATOR_NEEDED),
        (450, LoginVerdict.OPERATOR_NEEDED),
        (480, LoginVerdict.OPERATOR_NEEDED),
        (500, LoginVerdict.TRY_AGAIN),
        (550, LoginVerdict.TRY_AGAIN),
        (120, LoginVerdict.PENDING),
        (499, LoginVerdict.OPERATOR_NEEDED),
    ],
)
def test_a_login_code_has_its_verdict(code, verdict):
    assert login_verdict(code) is verdict
