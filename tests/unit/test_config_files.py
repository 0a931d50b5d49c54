"""Reading ``config/``: everything that is wrong has its file and line, and nothing is silently left out."""

from pathlib import Path

import pytest

from cli.config_files import checksum_holds, read_config
from contracts.config import SourceConfig

NIP = "7010000117"
SOURCE = f"source: north\ncompanies:\n  - {NIP}\n"
COMPANY = f"""\
nip: {NIP}
name: Alfa sp. z o.o.
address:
  line1: ul. Prosta 1, 00-001 Warszawa
context:
  value: {NIP}
  credential:
    token: env:KSEF_TOKEN
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A configuration in which nothing is wrong."""
    write(tmp_path, "sources/north.yaml", SOURCE)
    write(tmp_path, f"companies/{NIP}.yaml", COMPANY)
    return tmp_path


def write(directory: Path, name: str, text: str | bytes) -> None:
    path = directory / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


def problems(directory: Path) -> list[str]:
    return [str(problem) for problem in read_config(directory).problems]


def test_a_good_configuration_is_read(directory: Path) -> None:
    files = read_config(directory)

    assert files.problems == ()
    assert files.sources == {"north": SourceConfig(source="north", companies=(NIP,))}
    assert files.companies[NIP].address.country == "PL"


def test_the_samples_have_no_problem() -> None:
    assert problems(Path(__file__).parents[2] / "samples" / "config") == []


def test_digits_stay_text(directory: Path) -> None:
    write(directory, f"companies/{NIP}.yaml", COMPANY.replace("Alfa sp. z o.o.", "0123"))

    assert read_config(directory).companies[NIP].name == "0123"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("sources/north.yaml", SOURCE + "compnies: []\n", "sources/north.yaml:4: compnies: unknown field"),
        (
            "sources/north.yaml",
            f"source: south\ncompanies: [{NIP}]\n",
            "sources/north.yaml:1: the file is named north",
        ),
        (
            "sources/north.yaml",
            SOURCE + "  - 12\n",
            "sources/north.yaml:4: companies.1: String should",
        ),
        (
            "sources/north.yaml",
            SOURCE + "  - '7020000225'\n",
            "sources/north.yaml:4: there is no companies/7020000225.yaml",
        ),
        ("sources/north.yaml", SOURCE + "source: north\n", "sources/north.yaml:4: source: stands here twice"),
        ("sources/north.yaml", "source: [north\n", "sources/north.yaml:2: not YAML: "),
        ("sources/north.yaml", "", "sources/north.yaml: Input should be a valid dictionary"),
        ("sources/north.yaml", b"source: \xff\n", "sources/north.yaml: not UTF-8 text"),
        ("sources/north.yaml", b"source: n\x00rth\n", "sources/north.yaml: not UTF-8 text"),
        ("sources/south.yml", SOURCE, "sources/south.yml: is not read: a file here is named *.yaml"),
        (
            f"companies/{NIP}.yaml",
            COMPANY.replace("  line1", "  street: x\n  line1"),
            f"companies/{NIP}.yaml:4: address.street: unknown field",
        ),
        (
            f"companies/{NIP}.yaml",
            COMPANY.replace("    token: env:KSEF_TOKEN", "    token: hunter2"),
            f"companies/{NIP}.yaml:8: context.credential.token: String should match pattern",
        ),
        (
            f"companies/{NIP}.yaml",
            COMPANY.replace("name: Alfa sp. z o.o.\n", ""),
            f"companies/{NIP}.yaml:1: name: Field required",
        ),
        (
            "companies/7020000225.yaml",
            COMPANY,
            f"companies/7020000225.yaml:1: the file is named 7020000225, its field nip says {NIP}",
        ),
        (
            "companies/7010000118.yaml",
            COMPANY.replace(f"nip: {NIP}", "nip: '7010000118'"),
            "companies/7010000118.yaml:1: the NIP 7010000118 is mistyped",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and ": " in value and "\n" not in value else "",
)
def test_a_mistake_is_found_with_its_place(directory: Path, name: str, text: str | bytes, found: str) -> None:
    write(directory, name, text)

    (problem,) = problems(directory)

    assert problem.startswith(found)
    assert "hunter2" not in problem


def test_a_company_whose_file_is_wrong_is_not_said_to_be_missing(directory: Path) -> None:
    write(directory, f"companies/{NIP}.yaml", "nip: 1\n")

    assert not [problem for problem in problems(directory) if "there is no" in problem]


def test_all_mistakes_are_found_at_once_in_the_order_of_files_and_lines(directory: Path) -> None:
    write(directory, "sources/north.yaml", "source: North\ncompanies: []\nmore: 1\n")
    write(directory, "sources/south.yaml", "- 1\n")

    assert [problem.split(": ")[0] for problem in problems(directory)] == [
        "sources/north.yaml:1",
        "sources/north.yaml:2",
        "sources/north.yaml:3",
        "sources/south.yaml:1",
    ]


def test_a_directory_without_sources_is_a_mistake(tmp_path: Path) -> None:
    assert problems(tmp_path) == [f"{tmp_path}: no sources/*.yaml here"]


@pytest.mark.parametrize(
    ("nip", "holds"),
    [("7010000117", True), ("7010000118", False), ("7100000117", False), ("5265877635", True)],
)
def test_the_check_digit_of_a_nip(nip: str, holds: bool) -> None:
    assert checksum_holds(nip) is holds
