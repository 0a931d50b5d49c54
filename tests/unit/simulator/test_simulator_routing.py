from dataclasses import dataclass

import pytest

from simulator.operations.table import OPERATIONS
from simulator.protocol.errors import MethodNotAllowed, NotFound
from simulator.routing import Routes


@dataclass(frozen=True)
class Row:
    method: str
    path: str


def test_a_literal_segment_wins_over_a_placeholder_whatever_the_order():
    literal, placeholder = Row("GET", "/sessions/failed"), Row("GET", "/sessions/{id}")

    assert Routes([placeholder, literal]).find("GET", "/sessions/failed") == (literal, {})
    assert Routes([literal, placeholder]).find("GET", "/sessions/other") == (placeholder, {"id": "other"})


def test_a_placeholder_serves_the_method_that_the_literal_does_not():
    literal, placeholder = Row("GET", "/a/b"), Row("POST", "/a/{x}")

    assert Routes([literal, placeholder]).find("POST", "/a/b") == (placeholder, {"x": "b"})


def test_an_unknown_path_and_an_unknown_method_differ():
    routes = Routes([Row("GET", "/a"), Row("PUT", "/a")])

    with pytest.raises(NotFound):
        routes.find("GET", "/b")
    with pytest.raises(MethodNotAllowed) as refused:
        routes.find("DELETE", "/a")
    assert refused.value.allowed == ("GET", "PUT")


def test_every_operation_has_a_name_of_its_own_and_finds_itself():
    routes = Routes(OPERATIONS)

    found = [routes.find(operation.method, operation.path)[0].name for operation in OPERATIONS]

    assert found == [operation.name for operation in OPERATIONS]
    assert len(set(found)) == len(found)
