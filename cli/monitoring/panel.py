"""What a panel of the dashboard is, and the queries that many of them ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

RATE = "[$__rate_interval]"
"""Grafana puts a time there that fits the scrape interval and what is shown."""


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression and the name of its curves (``{{label}}``)."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. ``unit`` is Grafana's (``short``, ``s``, ``ops``); ``stat``: the latest value, large."""

    title: str
    meaning: str
    queries: Sequence[Query]
    unit: str = "short"
    kind: Literal["timeseries", "stat"] = "timeseries"


@dataclass(frozen=True, slots=True)
class Row:
    """Panels that are read together."""

    title: str
    panels: Sequence[Panel]


def rate(metric: str, by: str) -> Query:
    """A counter's speed, a second, by one label."""
    return Query(f"sum by ({by}) (rate({metric}{RATE}))", f"{{{{{by}}}}}")


def quantiles(metric: str, by: str = "") -> list[Query]:
    """Of a histogram: half are faster than the first curve, all but one in a hundred than the second."""
    grouping, legend = (f"le, {by}", f"{{{{{by}}}}} ") if by else ("le", "")
    return [
        Query(
            f"histogram_quantile({share}, sum by ({grouping}) (rate({metric}_bucket{RATE})))",
            f"{legend}p{share * 100:g}",
        )
        for share in (0.5, 0.99)
    ]
