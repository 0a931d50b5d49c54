"""PromQL expressions held against the metrics that the code declares."""

from collections.abc import Iterator

import promql_parser
from promql_parser import AggregateExpr, BinaryExpr, MatchOp, VectorSelector

from cli.monitoring.catalogue import SERIES, values_of

# What Prometheus adds itself: the upper bound of a bucket, and where a series was scraped.
OF_PROMETHEUS = {"le", "instance", "job"}


def parsed(expression: str) -> promql_parser.Expr:
    """Raises ValueError for what is no PromQL. Grafana's interval stands for a time."""
    return promql_parser.parse(expression.replace("$__rate_interval", "5m"))


def selectors(expression: str) -> list[VectorSelector]:
    """Every series that the expression asks for."""
    found: list[VectorSelector] = []

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, VectorSelector):
            found.append(node)
        return True

    promql_parser.walk(parsed(expression), pre_visit=visit)
    return found


def series_of(expression: str) -> set[str]:
    return {selector.name or "" for selector in selectors(expression)}


def labels_matched(expression: str) -> set[str]:
    """The labels that its selectors name."""
    return {matcher.name for selector in selectors(expression) for matcher in selector.matchers.matchers}


def labels_kept(expression: str) -> set[str]:
    """The labels that it groups or joins by."""
    kept: set[str] = set()

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, AggregateExpr) and node.modifier is not None:
            kept.update(node.modifier.labels)
        if isinstance(node, BinaryExpr) and node.modifier is not None and node.modifier.matching is not None:
            kept.update(node.modifier.matching.labels)
        return True

    promql_parser.walk(parsed(expression), pre_visit=visit)
    return kept


def problems(expression: str) -> list[str]:
    """What of it no code declares: names of series, names and values of labels."""
    return [*_of_selectors(expression), *_of_grouping(expression)]


def _of_selectors(expression: str) -> Iterator[str]:
    for selector in selectors(expression):
        metric = SERIES.get(selector.name or "")
        if metric is None:
            yield f"no metric {selector.name}"
            continue
        for matcher in selector.matchers.matchers:
            if matcher.name not in metric.labels:
                yield f"{metric.name} has no label {matcher.name}"
                continue
            regular = matcher.op in (MatchOp.Re, MatchOp.NotRe)
            named = set(matcher.value.split("|")) if regular else {matcher.value}
            for value in sorted(named - values_of(metric, matcher.name)):
                yield f"{metric.name}: {matcher.name} is never {value}"


def _of_grouping(expression: str) -> Iterator[str]:
    found = [SERIES[name] for name in series_of(expression) if name in SERIES]
    for label in sorted(labels_kept(expression) - OF_PROMETHEUS):
        for metric in found:
            if label not in metric.labels:
                yield f"{metric.name} has no label {label}"
