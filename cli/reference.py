"""The reference pages of the public contracts: every field with its meaning, form and place in FA(3).

python -m cli.reference [--check]    writes the generated parts of docs/reference again, or only compares

Invariant: what stands between the marks follows from the models and from nothing else.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from pathlib import Path

from cli.contract_files import INVOICE, ROOT, schemas
from cli.meanings import members
from cli.schema_fields import Field, Part, parts_of
from contracts import events
from contracts.sales import Outcome, State
from fa3.fields import elements_of
from fa3.writer.support import UNWRITTEN_PARTS

PAGES = ROOT.parent / "docs" / "reference"
BEGIN = "<!-- generated from contracts/ by `make generate`: do not edit -->\n"
END = "<!-- end of the generated part -->\n"
_MOST_ELEMENTS = 3


def invoice_part() -> str:
    """Every field of ``invoice/1``, and the example of the contract."""
    parts = parts_of(schemas()[INVOICE])
    return "\n".join((*_tables(parts, fa3=True), *_example(INVOICE)))


def results_part() -> str:
    """Every field of ``erp.results.v1``, its states and outcomes, and the example of the contract."""
    parts = parts_of(schemas()[events.RESULT])
    words = (*_words("Steps and states", State), *_words("Outcomes", Outcome))
    return "\n".join((*_tables(parts, fa3=False), *words, *_example(events.RESULT)))


GENERATED: Mapping[str, Callable[[], str]] = {"invoice-1.md": invoice_part, "results.md": results_part}
"""What generates the part between the marks, by page."""


def with_fields(page: str, generated: str) -> str:
    """The page with its generated part as given. Raises ValueError for a page without the marks."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks {BEGIN!r} or {END!r}")
    return f"{head}{begin}\n{generated}\n{end}{tail}"


def problems(directory: Path = PAGES) -> list[str]:
    """The pages that are not what the contracts say."""
    return [
        f"docs/reference/{name} is not what the contracts say: run `make generate`"
        for name, generated in GENERATED.items()
        if (page := (directory / name).read_text("utf-8")) != with_fields(page, generated())
    ]


def _tables(parts: tuple[Part, ...], *, fa3: bool) -> Iterator[str]:
    for part in parts:
        title = f"`{part.path}`" if part.path else "The document"
        yield f"### {title}\n\n{_markdown(part.meaning)}\n" if part.meaning else f"### {title}\n"
        columns = ("field", "", "takes", *(("FA(3)",) if fa3 else ()), "meaning")
        yield _row(columns) + "\n" + _row("---" for _ in columns)
        for field in part.fields:
            place = (_place(field.path),) if fa3 else ()
            need = "required" if field.required else ""
            yield _row((f"`{field.path}`", need, _takes(field), *place, _markdown(field.meaning)))
        yield ""


def _takes(field: Field) -> str:
    return f"{field.form}; absent: {field.default}" if field.default else field.form


def _place(path: str) -> str:
    """Where a field goes in FA(3)."""
    if any(path == part or path.startswith((f"{part}.", f"{part}[")) for part in UNWRITTEN_PARTS):
        return "not yet: C31"
    elements = [f"`{element}`" for element in elements_of(path)]
    if len(elements) > _MOST_ELEMENTS:
        return f"{elements[0]} … {elements[-1]}"
    return ", ".join(elements)


def _words(title: str, words: type[Enum]) -> Iterator[str]:
    yield f"### {title}\n\n{_row(('word', 'meaning'))}\n{_row(('---', '---'))}"
    for word, meaning in members(words).items():
        yield _row((f"`{word}`", _markdown(meaning)))
    yield ""


def _example(name: str) -> Iterator[str]:
    text = (ROOT / "examples" / name / "good.json").read_text("utf-8").strip()
    yield f"### Example\n\n```json\n{text}\n```\n"


def _row(cells: "Iterator[str] | tuple[str, ...]") -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _markdown(docstring: str) -> str:
    """A docstring's text on one line; its literals as Markdown has them."""
    return " ".join(docstring.replace("``", "`").split())


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        found = problems()
        sys.stderr.writelines(f"{problem}\n" for problem in found)
        return 1 if found else 0
    if arguments:
        sys.stderr.write(__doc__ or "")
        return 2
    for name, generated in GENERATED.items():
        page = PAGES / name
        page.write_text(with_fields(page.read_text("utf-8"), generated()), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
