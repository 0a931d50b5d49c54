"""The page of findings lists every code that the code has, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "findings.md"
_CODE = re.compile(r"\"([CDEIKSW][0-9]{2,3})\"")
_ROW = re.compile(r"^\| ([CDEIKSW][0-9]{2,3}) \| .", re.MULTILINE)


def codes_in_code() -> set[str]:
    sources = [path for top in ("contracts", "fa3", "services") for path in (ROOT / top).rglob("*.py")]
    return {code for path in sources for code in _CODE.findall(path.read_text("utf-8"))}


def test_every_code_of_a_finding_is_on_the_page_once() -> None:
    listed = _ROW.findall(PAGE.read_text("utf-8"))

    assert sorted(listed) == sorted(codes_in_code())


def test_the_codes_are_found_in_the_code() -> None:
    assert {"I08", "C20", "C31", "K08", "E35", "D02", "S441"} <= codes_in_code()
