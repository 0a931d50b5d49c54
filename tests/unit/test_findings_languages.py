"""Every finding of ours speaks English and Polish: what is wrong, and what to do next.

Findings of the canonical invoice and of FA(3) are checked where they are made: the helpers
``tests.support.invoice_samples`` and ``fa3_samples`` let no other pass.
"""

from pathlib import Path
from uuid import UUID

import pytest

from contracts.findings import Finding
from services.intake import findings as intake
from services.sender import findings as sender
from services.validator import findings as validator
from tests.support.languages import in_both, incomplete_calls, lacking

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for top in ("contracts", "fa3", "services") for path in (ROOT / top).rglob("*.py"))
DOCUMENT = UUID(int=7)
NUMBER = "7010000117-20261102-0100001AF629-AF"

MADE = [
    intake.not_a_document(0),
    intake.not_a_document(5),
    intake.malformed_json("line 1, column 2"),
    intake.wrong_shape("a number"),
    intake.unknown_model("invoice/9"),
    intake.unusable_id(200),
    intake.no_company(),
    intake.may_not_speak_for("shop", "7010000117"),
    intake.revision_reused(first="ab", now="cd"),
    validator.exact_duplicate(of=DOCUMENT, ksef_number=NUMBER),
    validator.numbering_conflict(number="FV/1", with_=DOCUMENT, ksef_number=None),
    sender.rejected(code=450, description="Błąd", details=("P_1",)),
    sender.not_permitted(code=410, description="Brak uprawnień", details=()),
    sender.conflict(original=None),
    sender.duplicate_of_ours(document=DOCUMENT, original=NUMBER),
    sender.attempts_used_up(attempts=5, code=500),
    sender.request_refused(what="HTTP 400"),
    sender.bytes_missing(what="not found"),
]


@pytest.mark.parametrize("finding", MADE, ids=lambda finding: str(finding.code))
def test_a_finding_of_a_stage_speaks_both_languages(finding: Finding) -> None:
    assert lacking(finding) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_finding_is_made_in_one_language_only(path: Path) -> None:
    assert list(incomplete_calls(path.read_text("utf-8"))) == []


def test_a_finding_in_one_language_is_noticed() -> None:
    wrong = Finding(code="K01", text="Wrong.", next_step="OK", next_step_pl="OK")

    assert lacking(wrong) == ["K01 has no text_pl", "K01 has one language only: OK"]
    with pytest.raises(AssertionError, match="K01 has no text_pl"):
        in_both([wrong])


def test_words_that_were_not_filled_in_are_noticed() -> None:
    wrong = Finding(
        code="K01", text="Has 3.", text_pl="Ma {count}.", next_step="Mend it.", next_step_pl="Popraw."
    )

    assert lacking(wrong) == ["K01 has a gap in text_pl: Ma {count}."]


def test_code_that_makes_a_finding_in_one_language_is_noticed() -> None:
    code = 'found = 1\nFinding(code="K01", text="Wrong.", next_step="Mend it.")\n'

    assert list(incomplete_calls(code)) == [2]
