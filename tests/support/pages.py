"""What stands in a page of the documentation: its named blocks of code, its headings, its links."""

import re
from dataclasses import dataclass
from pathlib import Path

_HEADING = re.compile(r"^#{1,6} (.+?)#*$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^()\s]+)\)")
_CODE_SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")
_FENCED = re.compile(r"^```(\S*)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: what stands behind the fence is its language, then the name that tests know it by."""

    language: str
    name: str
    text: str


def blocks(page: Path) -> dict[str, Block]:
    """The named blocks of a page. Two of one name are a mistake."""
    found = [Block(*groups) for groups in _FENCED.findall(page.read_text("utf-8"))]
    named = {block.name: block for block in found if block.name}
    assert len(named) == sum(1 for block in found if block.name), f"{page.name} has two blocks of one name"
    return named


def links(text: str) -> list[str]:
    """The targets of a page's links, in order; what stands in code is none."""
    prose = _FENCED.sub("", text)
    return _LINK.findall(_CODE_SPAN.sub("code", prose))


def anchors(text: str) -> set[str]:
    """What ``#…`` may name on a page: its headings, as code hosts and site generators write them."""
    found: dict[str, int] = {}
    for heading in _HEADING.findall(_FENCED.sub("", text)):
        words = _NOT_IN_ANCHORS.sub("", re.sub(r"\]\([^)]*\)", "", heading)).strip().lower()
        anchor = words.replace(" ", "-")
        found[anchor] = found.get(anchor, -1) + 1
    return {
        anchor if number == 0 else f"{anchor}-{number}"
        for anchor, last in found.items()
        for number in range(last + 1)
    }
