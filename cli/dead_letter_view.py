"""How dead letters look: for people and as JSON. Never a body, and no byte that a terminal would obey."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from cli.dead_letter_search import Found
from cli.output import escape, out
from runtime.acts import Act


def as_json(found: Found, redriven: Act | None) -> dict[str, Any]:
    """One letter's facts."""
    letter = found.letter
    return {
        "id": letter.id,
        "service": letter.service,
        "failed_at": _utc(letter.failed_at),
        "reason": letter.reason,
        "detail": letter.detail,
        "attempts": letter.attempts,
        "version": letter.version,
        "origin": {
            "topic": letter.origin.topic,
            "partition": letter.origin.partition,
            "offset": letter.origin.offset,
            "published_at": _utc(letter.origin.published_at),
        },
        "documents": [str(document) for document in found.documents],
        "companies": sorted(found.companies),
        "body": {"size_bytes": letter.body.size_bytes, "sha256": letter.body.sha256},
        "left_at_origin": letter.left_at_origin,
        "redriven_at": None if redriven is None else _utc(redriven.at),
    }


def print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of :func:`as_json`."""
    table = Table("id", "failed at", "reason", "origin", "document", "redriven", box=None, pad_edge=False)
    for row in rows:
        table.add_row(
            row["id"],
            _seconds(row["failed_at"]),
            escape(printable(row["reason"])),
            escape(printable("{topic} {partition}:{offset}".format(**row["origin"]))),
            documents(row["documents"]),
            _seconds(row["redriven_at"]) if row["redriven_at"] else "",
        )
    if rows:
        out.print(table)
    redriven = sum(row["redriven_at"] is not None for row in rows)
    out.print(f"{len(rows)} dead letters, {redriven} of them redriven")


def print_letter(found: Found, history: Sequence[Act]) -> None:
    """All that is known of one letter; ``history``: its acts, newest first."""
    letter = found.letter
    origin = letter.origin
    left = "; too large to be copied, it is only at its origin" if letter.left_at_origin else ""
    lines = {
        "failed at": f"{_utc(letter.failed_at)} by ksef-courier {letter.version}, attempt {letter.attempts}",
        "reason": f"{letter.reason} ({letter.detail})" if letter.detail else letter.reason,
        "origin": f"{origin.topic}, partition {origin.partition}, offset {origin.offset}",
        "published at": _utc(origin.published_at),
        "documents": ", ".join(map(str, found.documents)) or "unknown",
        "companies": ", ".join(sorted(found.companies)) or "unknown",
        "key": _bytes(letter.key),
        "body": f"{letter.body.size_bytes} bytes, SHA-256 {letter.body.sha256}{left}",
    }
    out.print(f"dead letter {letter.id}")
    for name, text in lines.items():
        out.print(f"  {name:<13} {printable(text)}", markup=False)
    for header, value in letter.headers:
        out.print(f"  header        {printable(header)}: {_bytes(value)}", markup=False)
    for act in reversed(history):
        out.print(f"  redriven      {_utc(act.at)} by {act.who}: {printable(act.reason)}", markup=False)


def documents(ids: Sequence[object]) -> str:
    """One id, or how many."""
    if len(ids) == 1:
        return str(ids[0])
    return f"{len(ids)} documents" if ids else "unknown"


def printable(text: str) -> str:
    """``text``; with its control characters spelled out, if it has any."""
    return text if text.isprintable() else ascii(text)[1:-1]


def _bytes(value: bytes | None) -> str:
    if value is None:
        return "none"
    try:
        return printable(value.decode())
    except UnicodeDecodeError:
        return repr(value)


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds(text: str) -> str:
    """A time of :func:`_utc` without what a table has no room for."""
    return text[:19].replace("T", " ")
