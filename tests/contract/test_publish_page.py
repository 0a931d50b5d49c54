"""What the page for ERP teams says of contracts: fields, words, codes, limits. Its commands: tests/e2e."""

import re

from contracts.events import RESULTS_TEMPLATE, SALES_INPUT_TEMPLATE
from contracts.findings import Finding
from contracts.invoice import Invoice, read_invoice
from contracts.results import DocumentResult
from contracts.sales import Outcome
from runtime.topics import table
from tests.support.pages import ROOT, blocks

PAGE = ROOT / "docs" / "howto" / "publish-from-your-erp.md"
TEXT = PAGE.read_text("utf-8")
_FINDINGS = [*ROOT.glob("services/*/findings.py"), *ROOT.glob("fa3/*.py")]


def table_after(heading: str) -> str:
    """The first table below a heading."""
    found = re.search(r"(?:^\|.*\n)+", TEXT.partition(f"\n{heading}\n")[2], re.MULTILINE)
    assert found is not None
    return found[0]


def test_the_fields_of_results_are_those_of_the_contract() -> None:
    named = set(re.findall(r"`([a-z0-9_]+)`", table_after("## Read the results")))

    words = {outcome.value for outcome in Outcome} | {"completed"}
    assert named - words <= {*DocumentResult.model_fields, *Finding.model_fields}
    assert named >= {"erp_document_id", "sequence", "upo", "next_step"}


def test_the_outcomes_are_those_of_the_contract() -> None:
    (row,) = [
        line for line in table_after("## Read the results").splitlines() if line.startswith("| `outcome`")
    ]

    assert re.findall(r"`([a-z-]+)`", row)[1:] == [outcome.value for outcome in Outcome]


def test_the_codes_are_given_somewhere() -> None:
    given = "".join(path.read_text("utf-8") for path in _FINDINGS)

    assert [code for code in set(re.findall(r"`([IDK]\d\d)`", TEXT)) if f'code="{code}"' not in given] == []


def test_the_topics_and_their_limits_are_the_declared_ones() -> None:
    declared = {topic.name: topic for topic in table()}

    assert {SALES_INPUT_TEMPLATE, RESULTS_TEMPLATE} <= set(re.findall(r"`(erp\.[a-z0-9.<>]+v1)`", TEXT))
    assert declared[SALES_INPUT_TEMPLATE].max_message_bytes == 2_097_152
    assert "2097152" in TEXT
    assert declared[RESULTS_TEMPLATE].retention_days == 90
    assert "Records are kept for 90 days." in TEXT


def test_the_pages_document_is_an_invoice() -> None:
    assert isinstance(read_invoice(blocks(PAGE)["invoice.json"].text.encode()), Invoice)
