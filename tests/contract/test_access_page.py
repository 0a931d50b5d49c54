"""The page about access shows the principals and rights that are derived, and commands that exist."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from cli.topics import app
from runtime import acl

PAGE = (Path(__file__).parents[2] / "docs" / "operations" / "access.md").read_text("utf-8")
_ROW = re.compile(r"^\| `([a-z<>-]+)` \| ([A-Za-z, ]+) \| (topic|group) \| (.+) \|$", re.MULTILINE)
_COMMAND = re.compile(r"topics acl((?: --[a-z-]+)*)")


def rows_in(page: str) -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [
        (principal, operations, kind, tuple(re.findall(r"`([^`]+)`", names)))
        for principal, operations, kind, names in _ROW.findall(page)
    ]


def test_the_page_shows_exactly_the_rights_that_are_derived() -> None:
    assert rows_in(PAGE) == acl.grouped(acl.wanted(sources=["<source>"], prefix=""))


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("| Write | topic | `ksef.mapper.dlq`", "| Read | topic | `ksef.mapper.dlq`"), ("`ksef.sender`", "`*`")],
)
def test_a_page_that_says_something_else_is_found(was: str, becomes: str) -> None:
    assert was in PAGE
    assert rows_in(PAGE.replace(was, becomes)) != rows_in(PAGE)


def test_the_page_names_the_options_that_exist() -> None:
    named = {option for options in _COMMAND.findall(PAGE) for option in options.split()}

    (command,) = (command for name, command in get_command(app).commands.items() if name == "acl")
    exist = {option for parameter in command.params for option in parameter.opts}
    assert named == {"--apply", "--prune", "--dry-run", "--commands"}
    assert named <= exist
