"""Who may have a number."""

from uuid import UUID

from services.validator.admission import (
    Admitted,
    Claim,
    Fingerprint,
    Holding,
    Refused,
    Waiting,
    after_issue,
    after_rejection,
    decide,
)

FINGERPRINT = Fingerprint("7010000117", "VAT", "FV/1")
FIRST, SECOND, THIRD = UUID(int=1), UUID(int=2), UUID(int=3)
SAME, OTHER = b"same", b"other"


def claim(document: UUID, content: bytes = OTHER) -> Claim:
    return Claim(document, content, FINGERPRINT)


def test_a_number_that_is_free_again_goes_to_whoever_asks() -> None:
    assert decide(claim(SECOND), Holding("free", FIRST, SAME)) == Admitted()


def test_a_newcomer_waits_while_the_holders_fate_is_unknown_whatever_its_content() -> None:
    holding = Holding("held", FIRST, SAME)

    assert decide(claim(SECOND, OTHER), holding) == Waiting(FIRST)
    assert decide(claim(SECOND, SAME), holding) == Waiting(FIRST)


def test_an_issued_number_refuses_the_same_content_as_a_duplicate_naming_the_first() -> None:
    verdict = decide(claim(SECOND, SAME), Holding("issued", FIRST, SAME, "K-1"))

    assert isinstance(verdict, Refused)
    (finding,) = verdict.findings
    assert finding.code == "D01"
    assert str(FIRST) in finding.text
    assert "K-1" in finding.text


def test_an_issued_number_refuses_other_content_as_a_conflict() -> None:
    verdict = decide(claim(SECOND, OTHER), Holding("issued", FIRST, SAME, "K-1"))

    assert isinstance(verdict, Refused)
    assert [finding.code for finding in verdict.findings] == ["D02"]


def test_when_the_holder_is_issued_everybody_who_waited_is_refused() -> None:
    verdicts = after_issue(Holding("issued", FIRST, SAME), [claim(SECOND, SAME), claim(THIRD, OTHER)])

    assert [verdict.findings[0].code for verdict in verdicts] == ["D01", "D02"]


def test_when_the_holder_is_rejected_the_first_who_waited_is_admitted_and_the_others_wait_for_it() -> None:
    assert after_rejection([claim(SECOND), claim(THIRD)]) == [Admitted(), Waiting(SECOND)]


def test_when_nobody_waits_a_rejection_admits_nobody() -> None:
    assert after_rejection([]) == []
