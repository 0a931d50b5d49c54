"""Reading ``config/``: YAML files checked against the contracts, every problem with its file and line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import ValidationError

from contracts.config import CompanyConfig, ConfigModel, SourceConfig

C = TypeVar("C", bound=ConfigModel)


@dataclass(frozen=True, slots=True, order=True)
class ConfigProblem:
    """One thing wrong. ``line`` counts from 1; 0 means the whole file."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


@dataclass(frozen=True, slots=True)
class ConfigFiles:
    """A configuration directory as read, with what is wrong in it."""

    sources: dict[str, SourceConfig]
    companies: dict[str, CompanyConfig]
    problems: tuple[ConfigProblem, ...]


def read_config(directory: Path) -> ConfigFiles:
    """Read ``sources/*.yaml`` and ``companies/*.yaml`` below ``directory``. Raises nothing but OSError."""
    problems: list[ConfigProblem] = []
    sources = _read_all(directory, "sources", SourceConfig, problems)
    companies = _read_all(directory, "companies", CompanyConfig, problems)
    for name, (path, source) in sources.items():
        if source.source != name:
            text = f"the file is named {name}, its field source says {source.source}"
            problems.append(ConfigProblem(path, _line_of(directory / path, ("source",)), text))
        for position, nip in enumerate(source.companies):
            if nip not in companies:
                line = _line_of(directory / path, ("companies", position))
                problems.append(ConfigProblem(path, line, f"there is no companies/{nip}.yaml"))
    for name, (path, company) in companies.items():
        if company.nip != name:
            text = f"the file is named {name}, its field nip says {company.nip}"
            problems.append(ConfigProblem(path, _line_of(directory / path, ("nip",)), text))
        if not checksum_holds(company.nip):
            text = f"the NIP {company.nip} is mistyped: its check digit does not fit"
            problems.append(ConfigProblem(path, _line_of(directory / path, ("nip",)), text))
    if not sources and not problems:
        problems.append(ConfigProblem(str(directory), 0, "no sources/*.yaml here"))
    return ConfigFiles(
        sources={name: source for name, (_, source) in sources.items()},
        companies={name: company for name, (_, company) in companies.items()},
        problems=tuple(sorted(problems)),
    )


def checksum_holds(nip: str) -> bool:
    """The check digit of a NIP: weights 6 5 7 2 3 4 5 6 7, modulo 11."""
    total = sum(weight * int(digit) for weight, digit in zip((6, 5, 7, 2, 3, 4, 5, 6, 7), nip, strict=False))
    return total % 11 == int(nip[9])


def _read_all(
    directory: Path, folder: str, model: type[C], problems: list[ConfigProblem]
) -> dict[str, tuple[str, C]]:
    found: dict[str, tuple[str, C]] = {}
    for path in sorted((directory / folder).glob("*.yaml")):
        relative = str(path.relative_to(directory))
        item = _read_one(path, relative, model, problems)
        if item is not None:
            found[path.stem] = (relative, item)
    return found


def _read_one(path: Path, relative: str, model: type[C], problems: list[ConfigProblem]) -> C | None:
    try:
        text = path.read_text("utf-8")
        node = yaml.compose(text, Loader=_Strings)
        return model.model_validate(yaml.load(text, Loader=_Strings))  # noqa: S506  a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        problems.append(ConfigProblem(relative, line, f"not YAML: {error.problem}"))
    except UnicodeDecodeError:
        problems.append(ConfigProblem(relative, 0, "not UTF-8"))
    except ValidationError as error:
        problems.extend(_problems(error, node, relative))
    return None


def _problems(error: ValidationError, node: yaml.Node | None, relative: str) -> Iterator[ConfigProblem]:
    for problem in error.errors(include_url=False):
        location = tuple(problem["loc"])
        where = ".".join(str(part) for part in location)
        what = "unknown field" if problem["type"] == "extra_forbidden" else problem["msg"]
        yield ConfigProblem(relative, _line_in(node, location), f"{where}: {what}")


def _line_of(path: Path, location: Sequence[str | int]) -> int:
    return _line_in(yaml.compose(path.read_text("utf-8"), Loader=_Strings), location)


def _line_in(node: yaml.Node | None, location: Sequence[str | int]) -> int:
    """The line of the deepest part of ``location`` that exists."""
    line = 0
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line or (node.start_mark.line + 1 if node else 0)


class _Strings(yaml.SafeLoader):
    """Scalars stay text: a NIP is no number, and a leading zero counts."""


_Strings.yaml_implicit_resolvers = {}
