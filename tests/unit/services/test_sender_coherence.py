"""The coherence check of sender's journal knows every event that the sender writes about a document."""

import ast
from collections.abc import Iterator
from pathlib import Path

from services.sender.coherence import STATE_AFTER
from services.sender.submission import State

SENDER = Path(__file__).parents[3] / "services" / "sender"
# Where the event's name stands among the arguments.
_PLACE = {"Step": 1, "entry_for": 0}


def written(source: str) -> Iterator[str]:
    """The names of events in calls of ``Step`` and ``entry_for``; those made of a state are not literal."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = _PLACE.get(called)
            event = node.args[place] if place is not None and len(node.args) > place else None
            if isinstance(event, ast.Constant) and event.value:
                yield event.value


def test_every_event_of_a_document_has_its_state() -> None:
    events = {event for path in SENDER.glob("*.py") for event in written(path.read_text("utf-8"))}

    assert {"intent", "sent", "adopted", "found-at-ksef", "receipt-stored"} <= events
    assert events - STATE_AFTER.keys() == set()


def test_an_event_that_is_not_known_is_seen() -> None:
    assert list(written('desk.record([Step(Change(a, b), "lost-again", detail={})])')) == ["lost-again"]


def test_an_event_named_like_a_state_leaves_the_submission_in_it() -> None:
    named = {state: STATE_AFTER[state] for state in State if state in STATE_AFTER}

    assert named == {
        State.SENT: State.SENT,
        State.ISSUED: State.ISSUED,
        State.REJECTED: State.REJECTED,
        State.PARKED: State.PARKED,
    }
