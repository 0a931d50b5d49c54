"""Every link of README and the documentation leads to a file and a heading that exist; the glossary's too."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pages import ROOT, anchors, links

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
_TERM = re.compile(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|(?: `(\w+)`)? \|$", re.MULTILINE)
_ELSEWHERE = re.compile(r"https://[a-z0-9.-]+(/\S*)?").fullmatch


def astray(page: Path, text: str, *, root: Path = ROOT) -> Iterator[str]:
    """The links of a page that lead nowhere in the tree."""
    for link in links(text):
        if _ELSEWHERE(link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        # An empty folder is on this machine only: git does not keep it.
        inside = target.is_relative_to(root) and (target.is_file() or any(target.glob("*")))
        if not inside or (anchor and anchor not in anchors(text if not name else target.read_text("utf-8"))):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert list(astray(page, page.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("docs/no-such-page.md", True),
        ("docs/operations/running.md#no-such-heading", True),
        ("#no-such-heading", True),
        ("../elsewhere.md", True),
        ("http://no.tls.example/", True),
        ("docs/operations/running.md#before-the-first-start", False),
        ("#two-commands", False),
        ("docs/decisions", False),
        ("https://kafka.apache.org/", False),
    ],
)
def test_a_link_that_leads_nowhere_is_found(link: str, found: bool) -> None:
    text = f"# README\n\n## Two `commands`\n\nsee [that `page`]({link})\n"

    assert list(astray(ROOT / "README.md", text)) == ([link] if found else [])


def test_a_link_to_an_empty_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()

    assert list(astray(tmp_path / "README.md", "[reports](reports)", root=tmp_path)) == ["reports"]


def test_what_looks_like_a_link_in_code_is_none() -> None:
    assert links("`[a](b)` and\n\n```python\nrows[0](x)\n```\n\n[c](d), ([e](f))") == ["d", "f"]


def test_headings_of_one_name_are_told_apart() -> None:
    assert anchors(
        "# The page\n\n## Java\n\n```sh\n# no heading\n```\n\n## Java\n\n## `lines[].rate`: [x](y), ok?\n"
    ) == {
        "the-page",
        "java",
        "java-1",
        "linesrate-x-ok",
    }


def test_the_names_of_the_glossary_are_names_in_the_code() -> None:
    names = {name for _, name in _TERM.findall(GLOSSARY) if name}
    code = "".join(
        path.read_text("utf-8")
        for folder in ("contracts", "fa3", "ksef", "services")
        for path in (ROOT / folder).rglob("*.py")
    )

    assert len(names) > 30
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", code)] == []


def test_the_glossary_is_in_the_order_of_the_alphabet_and_has_each_term_once() -> None:
    plain = str.maketrans("ąćęłńóśźż", "acelnoszz")
    terms = [term.casefold().translate(plain) for term, _ in _TERM.findall(GLOSSARY) if term != "Polish"]

    assert len(terms) > 40
    assert terms == sorted(set(terms))
