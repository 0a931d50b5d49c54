"""What the fields of our contracts mean: the docstrings below them, read from the source.

Invariant: one sentence stands in one place, beside its field; schemas and reference pages repeat it. They are
read when something is generated and never in a worker, whose start they would delay by 0.1 s.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from enum import Enum
from itertools import pairwise
from typing import Any

from pydantic import BaseModel


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """By the name in JSON: the text below each field, inherited ones included. White space is collapsed."""
    found: dict[str, str] = {}
    for part in reversed(model.__mro__):
        if issubclass(part, BaseModel) and part is not BaseModel:
            found |= dict(_below_names(part))
    return {info.alias or name: found[name] for name, info in model.model_fields.items() if name in found}


def members(enum: type[Enum]) -> dict[str, str]:
    """By the member's value: the text below it."""
    found = dict(_below_names(enum))
    return {str(member.value): found[name] for name, member in enum.__members__.items()}


def _below_names(model: type) -> Iterator[tuple[str, str]]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for statement, following in pairwise(body):
        match statement, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str() as text)),
            ):
                yield name, " ".join(text.split())
            case _:
                pass


def described(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a model of ours with a description for each field that has a text."""
    models = {
        model.__name__: model for model in _below(BaseModel) if model.__module__.startswith("contracts.")
    }
    return _with_descriptions(schema, models)  # type: ignore[no-any-return]  # an object stays an object


def _below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for part in model.__subclasses__():
        yield part
        yield from _below(part)


def _with_descriptions(node: Any, models: Mapping[str, type[BaseModel]]) -> Any:
    if isinstance(node, list):
        return [_with_descriptions(item, models) for item in node]
    if not isinstance(node, dict):
        return node
    inside = {word: _with_descriptions(value, models) for word, value in node.items()}
    model = models.get(str(node.get("title")))
    if model is None or "properties" not in node:
        return inside
    texts = meanings(model)
    fields = {
        name: {**field, "description": texts[name]} if name in texts else field
        for name, field in inside["properties"].items()
    }
    return {**inside, "properties": fields}
