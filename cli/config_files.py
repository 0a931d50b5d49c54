"""Reading ``config/``: YAML files checked against the contracts, every problem with its file and line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

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
    for name, file in sources.items():
        problems += _source_problems(directory, name, file)
    for name, company in companies.items():
        problems += _company_problems(name, company)
    if not sources and not problems:
        problems.append(ConfigProblem(str(directory), 0, "no sources/*.yaml here"))
    return ConfigFiles(
        sources={name: file.item for name, file in sources.items()},
        companies={name: file.item for name, file in companies.items()},
        problems=tuple(sorted(problems)),
    )


def _source_problems(directory: Path, name: str, file: "_File[SourceConfig]") -> Iterator[ConfigProblem]:
    source = file.item
    if source.source != name:
        yield file.problem(("source",), f"the file is named {name}, its field source says {source.source}")
    for position, nip in enumerate(source.companies):
        if not (directory / "companies" / f"{nip}.yaml").exists():
            yield file.problem(("companies", position), f"there is no companies/{nip}.yaml")


def _company_problems(name: str, file: "_File[CompanyConfig]") -> Iterator[ConfigProblem]:
    nip = file.item.nip
    if nip != name:
        yield file.problem(("nip",), f"the file is named {name}, its field nip says {nip}")
    if not checksum_holds(nip):
        yield file.problem(("nip",), f"the NIP {nip} is mistyped: its check digit does not fit")


def checksum_holds(nip: str) -> bool:
    """The check digit of a NIP: weights 6 5 7 2 3 4 5 6 7, modulo 11."""
    total = sum(weight * int(digit) for weight, digit in zip((6, 5, 7, 2, 3, 4, 5, 6, 7), nip, strict=False))
    return total % 11 == int(nip[9])


@dataclass(frozen=True, slots=True)
class _File(Generic[C]):
    path: str
    node: yaml.Node | None
    item: C

    def problem(self, location: Sequence[str | int], text: str) -> ConfigProblem:
        return ConfigProblem(self.path, _line_in(self.node, location), text)


def _read_all(
    directory: Path, folder: str, model: type[C], problems: list[ConfigProblem]
) -> dict[str, _File[C]]:
    found: dict[str, _File[C]] = {}
    for path in sorted((directory / folder).glob("[!.]*")):
        relative = str(path.relative_to(directory))
        if path.suffix != ".yaml":
            problems.append(ConfigProblem(relative, 0, "is not read: a file here is named *.yaml"))
            continue
        file = _read_one(path, relative, model, problems)
        if file is not None:
            found[path.stem] = file
    return found


def _read_one(path: Path, relative: str, model: type[C], problems: list[ConfigProblem]) -> _File[C] | None:
    try:
        text = path.read_text("utf-8")
        node = yaml.compose(text, Loader=_Strings)
        content = yaml.load(text, Loader=_Strings)  # noqa: S506  a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        problems.append(ConfigProblem(relative, line, f"not YAML: {error.problem}"))
        return None
    except (yaml.YAMLError, UnicodeDecodeError):
        problems.append(ConfigProblem(relative, 0, "not UTF-8 text"))
        return None
    repeated = [ConfigProblem(relative, line, f"{key}: stands here twice") for key, line in _repeated(node)]
    problems.extend(repeated)
    try:
        return _File(relative, node, model.model_validate(content))
    except ValidationError as error:
        problems.extend(_problems(error, node, relative))
        return None


def _repeated(node: yaml.Node | None) -> Iterator[tuple[str, int]]:
    """Keys that a mapping has twice, with the second one's line: YAML would silently keep one of them."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated(item)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.value, key.start_mark.line + 1
            seen.add(key.value)
            yield from _repeated(value)


def _problems(error: ValidationError, node: yaml.Node | None, relative: str) -> Iterator[ConfigProblem]:
    for problem in error.errors(include_url=False):
        location = tuple(problem["loc"])
        where = ".".join(str(part) for part in location)
        what = "unknown field" if problem["type"] == "extra_forbidden" else problem["msg"]
        yield ConfigProblem(relative, _line_in(node, location), f"{where}: {what}" if where else what)


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
