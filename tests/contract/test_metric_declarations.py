"""Metrics are declared in one way, and what the code counts is what it declares."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from cli.monitoring.catalogue import CATALOGUE, MODULES
from runtime.declared import Each, Metric, begin_at_zero, counter
from runtime.metrics import RECORDS

ROOT = Path(__file__).parents[2]
CODE = [path for folder in ("runtime", "services") for path in sorted((ROOT / folder).rglob("*.py"))]
KINDS = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}


def imports(path: Path, module: str) -> set[str]:
    """What a file imports from a module."""
    return {
        name.name
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == module
        for name in node.names
    }


def test_only_one_module_makes_metrics_of_the_client_library() -> None:
    makers = [path.relative_to(ROOT) for path in CODE if imports(path, "prometheus_client") & KINDS]

    assert makers == [Path("runtime/declared.py")]


def test_every_module_that_declares_metrics_is_in_the_catalogue() -> None:
    declaring = {
        path for path in CODE if imports(path, "runtime.declared") & {"counter", "gauge", "histogram"}
    }

    assert declaring == {Path(module.__file__ or "") for module in MODULES.values()}


def counted(tree: ast.Module) -> Iterator[tuple[str, list[ast.expr]]]:
    """``metrics.NAME.labels(…)``: the name and the arguments."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(
                    attr="labels", value=ast.Attribute(value=ast.Name(id="metrics"), attr=name)
                ),
                args=args,
            ):
                yield name, args


def constants(argument: ast.expr) -> set[str]:
    return {
        node.value
        for node in ast.walk(argument)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def declared_as(path: Path, name: str) -> Metric:
    """The metric that ``metrics.NAME`` is in a file."""
    owner = path.parent.name if path.parent.parent.name == "services" else ""
    (described,) = getattr(MODULES[owner], name).describe()
    return CATALOGUE[described.name]


def written(values: object) -> set[str]:
    return set(values) if isinstance(values, tuple) else set()


def test_no_label_value_is_written_in_the_code_that_is_not_declared() -> None:
    undeclared = [
        (path.name, name, label, constant)
        for path in CODE
        for name, args in counted(ast.parse(path.read_text("utf-8")))
        for (label, values), argument in zip(declared_as(path, name).labels.items(), args, strict=True)
        for constant in constants(argument) - written(values)
    ]

    assert undeclared == []


ALL_WRITTEN = {
    "ksef_intake_documents",
    "ksef_mapper_documents",
    "ksef_validator_verdicts",
    "ksef_sender_sends",
    "ksef_sender_verdicts",
    "ksef_sender_reconciled",
    "ksef_sender_sessions",
    "ksef_sender_receipts",
}


@pytest.mark.parametrize("name", sorted(ALL_WRITTEN))
def test_no_label_value_is_declared_that_the_code_never_counts(name: str) -> None:
    metric = CATALOGUE[name]
    found = {
        constant
        for path in CODE
        for used, args in counted(ast.parse(path.read_text("utf-8")))
        if declared_as(path, used) is metric
        for argument in args
        for constant in constants(argument)
    }

    assert found == {value for values in metric.labels.values() for value in written(values)}


def test_names_follow_the_convention() -> None:
    assert [name for name in CATALOGUE if not name.startswith("ksef_")] == []
    assert [name for name, metric in CATALOGUE.items() if not metric.meaning.endswith(".")] == []
    histograms = [name for name, metric in CATALOGUE.items() if metric.kind == "histogram"]
    assert [name for name in histograms if not name.endswith("_seconds")] == []


def test_labels_never_hold_what_grows_with_documents_or_companies() -> None:
    labels = {label for metric in CATALOGUE.values() for label in metric.labels}

    assert labels == {
        "answer",
        "check",
        "event",
        "failure",
        "kind",
        "outcome",
        "result",
        "route",
        "service",
        "stage",
        "state",
        "topic",
        "verdict",
    }


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_a_counter_is_there_at_zero_before_anything_happened() -> None:
    counter("ksef_test_doors", "Doors.", position=("open", "shut"))

    assert (
        value("ksef_test_doors_total", position="open"),
        value("ksef_test_doors_total", position="shut"),
    ) == (
        0,
        0,
    )


def test_a_worker_has_its_counters_at_zero_for_every_outcome() -> None:
    begin_at_zero(RECORDS, worker="zero-test")

    outcomes = [
        value("ksef_stage_records_total", stage="zero-test", outcome=each) for each in ("done", "dead-letter")
    ]
    assert outcomes == [0, 0]


def test_a_set_that_only_the_installation_knows_is_not_invented() -> None:
    made = counter("ksef_test_reads", "Reads.", stage=Each.WORKER, door=("in", "out"))

    (family,) = made.collect()
    assert family.samples == []
