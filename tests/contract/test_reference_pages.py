"""The reference pages say what the contracts say: every field, its meaning and its place in FA(3)."""

import json
import re
from pathlib import Path

import pytest

import contracts
from cli import reference
from cli.reference import BEGIN, PAGES, problems, with_fields
from contracts.invoice import Invoice, read_invoice
from tests.support.fa3_fields import leaves

INVOICE_PAGE = (PAGES / "invoice-1.md").read_text("utf-8")
RESULTS_PAGE = (PAGES / "results.md").read_text("utf-8")
EXAMPLE = json.loads(
    (Path(contracts.__file__).parent / "examples" / "invoice-1" / "good.json").read_text("utf-8")
)
_FIELD = re.compile(r"^\| `([a-z0-9_.\[\]]+)` \|(.*)\|$", re.MULTILINE)
_MISTAKE = re.compile(r"^\| (C\d\d) \| [^|]+ \| `(\{.*\})` \|$", re.MULTILINE)


def rows_in(page: str) -> dict[str, list[str]]:
    """The cells beside each field of a page's tables."""
    return {
        path: [cell.strip() for cell in re.split(r"(?<!\\)\|", cells)] for path, cells in _FIELD.findall(page)
    }


def test_the_pages_say_what_the_contracts_say() -> None:
    assert problems() == []


@pytest.mark.parametrize("name", ["invoice-1.md", "results.md"])
def test_a_page_that_was_changed_by_hand_is_found(tmp_path: Path, name: str) -> None:
    for page in PAGES.glob("*.md"):
        (tmp_path / page.name).write_text(page.read_text("utf-8"), "utf-8")
    changed = (tmp_path / name).read_text("utf-8").replace("| required |", "|  |", 1)
    (tmp_path / name).write_text(changed, "utf-8")

    assert problems(tmp_path) == [f"docs/reference/{name} is not what the contracts say: run `make generate`"]


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks"):
        with_fields(INVOICE_PAGE.replace(BEGIN, ""), "")


def test_an_unknown_argument_writes_nothing_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert reference.main(["--chekc"]) == 2
    assert "--check" in capsys.readouterr().err


def test_the_page_has_every_field_of_the_model_that_holds_a_value() -> None:
    wanted = {re.sub(r"(\[\])+$", "", path) for path, _ in leaves()}

    assert wanted - rows_in(INVOICE_PAGE).keys() == set()


@pytest.mark.parametrize("page", [INVOICE_PAGE, RESULTS_PAGE], ids=["invoice", "results"])
def test_every_field_says_what_it_means(page: str) -> None:
    assert [path for path, cells in rows_in(page).items() if not cells[-1]] == []


@pytest.mark.parametrize(
    ("path", "cells"),
    [
        ("number", ["required", "text, at most 256 characters", "`Fa/P_2`"]),
        ("currency", ["", "text like `^[A-Z]{3}$`; absent: `PLN`", "`Fa/KodWaluty`"]),
        ("lines", ["", "list of objects, at most 10,000", "`Fa/FaWiersz`"]),
        ("lines[].qty", ["", "decimal: 16 digits before the point, 6 after", "`Fa/FaWiersz/P_8B`"]),
        ("lines[].gtu", ["", "whole number, 1 to 13", "`Fa/FaWiersz/GTU`"]),
        ("lines[].rate.oss", ["required", "decimal: 3 digits before the point, 6 after", "not yet: C31"]),
        ("delivery_notes", ["", "list, at most 1,000; each: text, at most 256 characters", "`Fa/WZ`"]),
        ("annotations.cash_method", ["", "`true` or `false`", "`Fa/Adnotacje/P_16`"]),
        ("annotations.margin", ["", "one of `travel`, `used_goods`, `art`, `antiques`", "not yet: C31"]),
        ("terms.transports[].from.country", ["required", "text like `^[A-Z]{2}$`", "not yet: C31"]),
        ("source.created_at", ["", "time with its offset, RFC 3339", "`Naglowek/DataWytworzeniaFa`"]),
        (
            "totals.rates[].vat",
            ["", "decimal: 16 digits before the point, 2 after", "`Fa/P_14_1` … `Fa/P_14_5`"],
        ),
    ],
)
def test_a_row_says_whether_it_is_required_what_it_takes_and_where_it_goes(
    path: str, cells: list[str]
) -> None:
    assert rows_in(INVOICE_PAGE)[path][:-1] == cells


def test_the_results_page_has_both_forms_of_a_receipt_and_every_word() -> None:
    assert {"upo.data", "upo.stored_on", "findings[].code", "completed", "issued", "revision-reused"} <= {
        *rows_in(RESULTS_PAGE),
        *re.findall(r"^\| `([a-z-]+)` \|", RESULTS_PAGE, re.MULTILINE),
    }


@pytest.mark.parametrize(("code", "mistake"), _MISTAKE.findall(INVOICE_PAGE))
def test_a_mistake_on_the_page_has_the_code_that_the_page_says(code: str, mistake: str) -> None:
    findings = read_invoice(json.dumps(EXAMPLE | json.loads(mistake)).encode())

    assert not isinstance(findings, Invoice)
    assert {finding.code for finding in findings} == {code}


def test_the_page_shows_a_mistake_for_each_code_about_single_fields() -> None:
    assert [code for code, _ in _MISTAKE.findall(INVOICE_PAGE)] == [f"C{number}" for number in range(10, 21)]
