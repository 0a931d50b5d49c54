"""The report of an experiment: one set of figures, as JSON for programs and as Markdown for people.

It names no host, path or address: it may be published.
"""

import os
import platform
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any

from stack.jars import locked_jars
from tests.chaos.checker import Verdict, proofs_of_repeats, shown
from tests.chaos.experiment import End, Options, Seen
from tests.chaos.history import History

_GIB = 1024**3
_PACKAGES = ("ksef-courier", "aiokafka", "asyncpg", "faststream", "httpx")


def figures(
    options: Options, seen: Seen, verdicts: Sequence[Verdict], *, began_at: datetime
) -> dict[str, Any]:
    """All that a report says."""
    history = seen.history
    return {
        "began_at": began_at.isoformat(timespec="seconds"),
        "seed": options.seed,
        "minutes": round(options.seconds / 60, 2),
        "end": str(seen.end),
        "machine": _machine(),
        "versions": _versions(seen),
        "documents": {
            "planned": len(history.documents),
            "published": len(seen.first_published_at),
            "by_fate": _sorted(Counter(type(item.fate).__name__.lower() for item in history.documents)),
            "records": seen.publications,
            "records_repeated_by_outages": seen.publications_repeated,
            "accepted_by_ksef": len(history.accepted),
            "per_second": round(len(seen.first_published_at) / seen.flow_seconds, 1),
        },
        "flow_seconds": round(seen.flow_seconds, 1),
        "seconds_to_number": seconds_to_number(history, seen.first_published_at),
        "invariants": [{"name": item.name, "holds": item.holds, "broken": shown(item)} for item in verdicts],
        "faults": _sorted(seen.faults),
        "calls_spoiled_on_the_wire": _sorted(seen.calls_spoiled),
        "workers_that_ended_by_themselves": _sorted(seen.ended_by_themselves),
        "posts": {
            "all": len(history.posts),
            "without_answer": sum(post.status is None for post in history.posts),
            "refused_by_ksef": sum(post.status is not None and post.status >= 400 for post in history.posts),
            "repeated_by_proof": _sorted(proofs_of_repeats(history)),
        },
        "journal": _sorted(Counter(entry.event for entry in history.journal)),
        "sessions": dict(sorted(seen.session_events.items())),
    }


def seconds_to_number(history: History, first_published_at: Mapping[Any, float]) -> dict[str, float]:
    """From Kafka's confirmation to the step that told the number."""
    seconds = [
        told.at - first_published_at[told.document_id]
        for told in history.told
        if told.step == "issued" and told.document_id in first_published_at
    ]
    if len(seconds) < 2:
        return {}
    cuts = statistics.quantiles(seconds, n=100)
    return {"p50": round(cuts[49], 2), "p95": round(cuts[94], 2), "max": round(max(seconds), 2)}


def as_markdown(report: Mapping[str, Any]) -> str:
    """The figures for people."""
    documents, posts = report["documents"], report["posts"]
    flow = (
        f"{documents['accepted_by_ksef']} accepted by KSeF, {documents['per_second']} documents a second "
        f"overall; {documents['records_repeated_by_outages']} records published again, Kafka being away."
    )
    sent = (
        f"{posts['all']} posts left the senders; {posts['without_answer']} got no answer, "
        f"{posts['refused_by_ksef']} were refused by KSeF."
    )
    sections = [
        *_head(report),
        "## Invariants",
        "\n".join(map(_invariant, report["invariants"])),
        "## Documents",
        _table(documents["by_fate"], "must become", "documents"),
        flow,
        _table(report["seconds_to_number"], "from publication to KSeF number", "seconds"),
        "## Faults",
        _table(report["faults"], "carried out", "times"),
        _table(report["calls_spoiled_on_the_wire"], "spoiled on the wire", "calls"),
        _table(report["workers_that_ended_by_themselves"], "ended by itself", "times"),
        "## What the sender did about it",
        sent,
        _table(posts["repeated_by_proof"], "posted again, by proof", "posts"),
        _table(report["journal"], "journal about documents", "lines"),
        _table(report["sessions"], "journal about sessions", "lines"),
    ]
    return "\n\n".join(sections) + "\n"


def _head(report: Mapping[str, Any]) -> list[str]:
    held = report["end"] == End.COMPLETE and all(item["holds"] for item in report["invariants"])
    machine = report["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    size = (
        f"{report['documents']['published']} documents in {report['flow_seconds']:g} s, "
        f"{report['minutes']:g} minutes of them with faults. How to read this page: "
        "[docs/operations/chaos.md](../operations/chaos.md)."
    )
    return [
        f"# Chaos run of {report['began_at'][:10]}, seed {report['seed']}",
        f"**{'Every invariant held' if held else 'NOT every invariant held'}** ({report['end']}).",
        size,
        f"{machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}; {versions}.",
    ]


def _invariant(item: Mapping[str, Any]) -> str:
    broken = "".join(f"\n  - {line}" for line in item["broken"])
    return f"- {'held' if item['holds'] else '**BROKEN**'}: {item['name']}{broken}"


def _table(rows: Mapping[str, Any], what: str, unit: str) -> str:
    lines = (f"| {name} | {value} |" for name, value in (rows or {"none": 0}).items())
    return "\n".join([f"| {what} | {unit} |", "|---|---:|", *lines])


def _machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cores": os.cpu_count(), "memory_gib": round(memory / _GIB), "system": platform.system()}


def _versions(seen: Seen) -> dict[str, str]:
    return {
        "Python": platform.python_version(),
        "Kafka": next(jar.version for jar in locked_jars() if jar.group == "org.apache.kafka"),
        "PostgreSQL": seen.postgres_version,
        **{name: version(name) for name in _PACKAGES},
    }


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))
