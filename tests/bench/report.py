"""The page that ``make bench`` writes: docs/performance.md."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

AIM_ADMISSION, AIM_RECEIPT = 3.0, 2.0
THEIRS = "an independent client (`ksef-client`), one by one, to the receipt, its XML ready"
WRITTEN = (
    "Written by `make bench`; the figures are in [reports/bench.json](reports/bench.json). CPU is what the",
    "system counts for each process, per document of three lines. Floor and pipeline take turns, and the",
    "median of the rounds' ratios counts. How it is measured: `tests/bench`.",
)
FLOORS = (
    "F1: the same JSON read into typed values, added up, written as the same XML, checked against the",
    "schema, hashed, encrypted and encoded, in one call. F2: F1, and one POST and one GET by a plain HTTP",
    "client. *Ours* are our own processes; Kafka and PostgreSQL stand below.",
)


def page(figures: Mapping[str, Any]) -> str:
    """The figures as a page. Pure."""
    return "\n".join(
        [
            "# Performance",
            "",
            *WRITTEN,
            "",
            f"{figures['machine']}; {figures['at'][:10]}.",
            "",
            "## Ratios",
            "",
            "| what | ours, µs | floor, µs | ratio (median, range) | aim |",
            "|---|---:|---:|---:|---:|",
            _ratio("to admission ÷ F1", figures["to_admission"], AIM_ADMISSION),
            _ratio("online to the receipt ÷ F2", figures["to_receipt"], AIM_RECEIPT),
            "",
            *FLOORS,
            "",
            "## Where the CPU goes, µs per document",
            "",
            *_table("to admission", figures["to_admission"]),
            "",
            *_table("online to the receipt", figures["to_receipt"]),
            "",
            "## Rates on this machine, everything on it",
            "",
            "| what | documents/s |",
            "|---|---:|",
            f"| to admission | {_median(figures['to_admission'], 'per_second'):.0f} |",
            f"| online to the receipt | {_median(figures['to_receipt'], 'per_second'):.0f} |",
            f"| a backlog sent online, to the receipt | {figures['backlog_sent_per_second']:.0f} |",
            f"| {THEIRS} | {figures['independent_client_per_second']:.1f} |",
            "",
            "## One document on an idle system, milliseconds until each step",
            "",
            "| step | p50 | p99 |",
            "|---|---:|---:|",
            *(
                f"| {step} | {times['p50'] * 1000:.0f} | {times['p99'] * 1000:.0f} |"
                for step, times in figures["hops_seconds"].items()
            ),
            "",
            "## Memory, MiB",
            "",
            *_memory(figures["memory_mib"]),
            "",
        ]
    )


def _median(rounds: Sequence[Mapping[str, Any]], name: str) -> float:
    return float(statistics.median(round_[name] for round_ in rounds))


def _ratio(what: str, rounds: Sequence[Mapping[str, Any]], aim: float) -> str:
    ratios = [round_["ratio"] for round_ in rounds]
    return (
        f"| {what} | {_median(rounds, 'ours_us'):.0f} | {_median(rounds, 'floor_us'):.0f} "
        f"| {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}) | ≤ {aim:g} |"
    )


def _table(what: str, rounds: Sequence[Mapping[str, Any]]) -> list[str]:
    parts = list(rounds[0]["cpu_us"])
    medians = [statistics.median(round_["cpu_us"][part] for round_ in rounds) for part in parts]
    return [
        f"| {what} | {' | '.join(parts)} |",
        f"|---|{'---:|' * len(parts)}",
        f"| µs | {' | '.join(f'{median:.0f}' for median in medians)} |",
    ]


def _memory(moments: Mapping[str, Mapping[str, float]]) -> list[str]:
    parts = list(dict.fromkeys(part for moment in moments.values() for part in moment))
    return [
        f"| | {' | '.join(parts)} |",
        f"|---|{'---:|' * len(parts)}",
        *(
            f"| {name} | {' | '.join(f'{moment[part]:.0f}' if part in moment else '' for part in parts)} |"
            for name, moment in moments.items()
        ),
    ]
