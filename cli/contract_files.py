"""``python -m cli.contract_files [--check]``: the files that follow from the contracts' models.

``contracts/schemas``   JSON Schema of every message, generated
``contracts/asyncapi.yaml``   the topics and who writes and reads them, generated
``contracts/released``   the schemas as released: written once per contract, never again within its major

``--check`` writes nothing and fails when a generated file is not what the models say, when a schema breaks
its released form, or when a message has no topic.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

import contracts
from cli.compatibility import breaks
from cli.meanings import described
from contracts import events
from contracts.base import Message
from contracts.invoice import Invoice
from runtime import topics

ROOT = Path(contracts.__file__).parent
INVOICE = "invoice-1"


def schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema by file name without ``.json``: every event type, and ``invoice/1``."""
    # In the form for readers: fields with a default need not be there.
    models: dict[str, type[BaseModel]] = {**events.MODELS, INVOICE: Invoice}
    found = {name: model.model_json_schema(mode="validation") for name, model in models.items()}
    return {
        name: {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{name}.json"}
        | described(schema)
        for name, schema in found.items()
    }


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3.0 of the whole system: a channel per declared topic, an operation per writer and reader."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for topic in topics.table():
        name = topic.name.replace("<", "").replace(">", "")
        message = topic.type or (INVOICE if topic.per_source else "original-record")
        channels[name] = {
            "address": topic.name.replace("<", "{").replace(">", "}"),
            "description": topic.meaning.strip(),
            "messages": {message: {"$ref": f"#/components/messages/{message}"}},
            "bindings": {"kafka": {"partitions": topic.partitions, "topicConfiguration": _kafka(topic)}},
        } | _parameters(topic.name)
        for action, services in (("send", topic.producers), ("receive", topic.consumers)):
            for service in services:
                operation = f"{service.strip('<>')}-{action}-{name}"
                operations[operation] = {"action": action, "channel": {"$ref": f"#/channels/{name}"}}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "ksef-courier",
            "version": "1",
            "description": "Generated from contracts/ by `make generate`.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": _messages()},
    }


def _messages() -> dict[str, Any]:
    messages: dict[str, Any] = {}
    for type_ in (*events.MODELS, INVOICE):
        messages[type_] = {"payload": {"$ref": f"schemas/{type_}.json"}}
        if type_ != INVOICE:
            messages[type_]["headers"] = {"$ref": "#/components/messages/cloud-event/headers"}
    messages["cloud-event"] = {
        "description": "CloudEvents 1.0, binary binding: what every event of ours carries in its headers.",
        "headers": {
            "type": "object",
            "required": ["ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "content-type"],
            "properties": {
                "ce_specversion": {"const": "1.0"},
                "ce_id": {"type": "string", "format": "uuid"},
                "ce_type": {"type": "string", "enum": list(events.MODELS)},
                "ce_source": {"type": "string"},
                "ce_subject": {
                    "type": "string",
                    "format": "uuid",
                    "description": "the document's id, or that of another subject",
                },
                "ce_time": {"type": "string", "format": "date-time"},
                "ce_causationid": {"type": "string"},
                "content-type": {"const": "application/json"},
                "correlation_id": {"type": "string"},
                "traceparent": {"type": "string"},
            },
        },
    }
    messages["original-record"] = {"description": "Whatever the record was that could not be read."}
    return messages


def _parameters(name: str) -> dict[str, Any]:
    meanings = {"source": "one ERP installation", "service": "the worker that could not read the record"}
    found = {word: {"description": text} for word, text in meanings.items() if f"<{word}>" in name}
    return {"parameters": found} if found else {}


def _kafka(topic: topics.Topic) -> dict[str, Any]:
    return {
        "cleanup.policy": [topic.cleanup],
        "retention.ms": topic.retention_days * 24 * 3600 * 1000,
        "max.message.bytes": topic.max_message_bytes,
    }


def generated() -> dict[Path, str]:
    """Every generated file with its text."""
    files = {ROOT / "schemas" / f"{name}.json": _json(schema) for name, schema in schemas().items()}
    text = yaml.safe_dump(asyncapi(), sort_keys=False, allow_unicode=True, width=110)
    files[ROOT / "asyncapi.yaml"] = text
    return files


def problems(root: Path = ROOT, *, files: Mapping[Path, str] | None = None) -> list[str]:
    """What ``--check`` complains about. ``root`` and ``files`` are arguments for its own tests."""
    wanted = {
        path.relative_to(ROOT): text for path, text in (generated() if files is None else files).items()
    }
    return [*_stale(root, wanted), *_strays(root, wanted), *_breaks(root, wanted), *undeclared(events.MODELS)]


def _stale(root: Path, wanted: Mapping[Path, str]) -> Iterator[str]:
    for path, text in wanted.items():
        here = root / path
        if not here.exists() or here.read_text("utf-8") != text:
            yield f"contracts/{path} is not what the models say: run `make generate`"


def _strays(root: Path, wanted: Mapping[Path, str]) -> Iterator[str]:
    for folder in ("schemas", "released"):
        for path in sorted((root / folder).glob("*.json")):
            if Path("schemas") / path.name not in wanted:
                yield f"contracts/{folder}/{path.name} belongs to no message (any more)"


def _breaks(root: Path, wanted: Mapping[Path, str]) -> Iterator[str]:
    for path, text in wanted.items():
        if path.suffix != ".json":
            continue
        released = root / "released" / path.name
        if not released.exists():
            yield f"contracts/released/{path.name} is missing: run `make generate`"
            continue
        for broken in breaks(json.loads(released.read_text("utf-8")), json.loads(text)):
            yield f"{path.stem} breaks its released form: {broken}"


def undeclared(models: Mapping[str, type[Message]]) -> list[str]:
    """Messages that no declared topic carries, and topics that promise a message nobody defines."""
    carried = {topic.type for topic in topics.table() if topic.type is not None}
    return [f"{type_} is on no topic of contracts/topics" for type_ in models if type_ not in carried] + [
        f"a topic carries {type_}, which no model defines" for type_ in sorted(carried - models.keys())
    ]


def _json(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        found = problems()
        for problem in found:
            sys.stderr.write(problem + "\n")
        return 1 if found else 0
    if arguments:
        sys.stderr.write(__doc__ or "")
        return 2
    for path, text in generated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        released = ROOT / "released" / path.name
        if path.suffix == ".json" and not released.exists():
            released.parent.mkdir(exist_ok=True)
            released.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
