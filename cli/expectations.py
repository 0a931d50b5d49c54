"""What should become of the sample documents, and what did. Pure but for reading the file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

import yaml
from pydantic import BaseModel, ConfigDict

from contracts.results import DocumentResult
from contracts.sales import Outcome, State
from services.intake.envelope import split

_ENDS = {State.COMPLETED, State.REFUSED, State.REJECTED, State.PARKED}


class Expectation(BaseModel):
    """One line of ``samples/expected.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    place: str | None = None
    outcome: Literal["issued", "refused", "rejected"]
    code: str | None = None

    @property
    def source(self) -> str:
        """The folder is the source's name."""
        return self.file.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Expected:
    """An expectation with the id of its document."""

    expectation: Expectation
    document_id: UUID


def read(samples: Path) -> list[list[Expected]]:
    """The expectations in waves: the documents of one are published when those before have ended."""
    content = yaml.safe_load((samples / "expected.yaml").read_text("utf-8"))
    waves = [content["documents"], content.get("afterwards", [])]
    return [[_expected(samples, Expectation.model_validate(item)) for item in wave] for wave in waves]


def _expected(samples: Path, expectation: Expectation) -> Expected:
    return Expected(expectation, _document_id(samples, expectation))


def ended(result: DocumentResult | None) -> bool:
    """Whether a document has come to its end."""
    return result is not None and result.state in _ENDS


def mismatch(expected: Expectation, result: DocumentResult | None, codes: tuple[str, ...]) -> str | None:
    """What is not as expected; None when all is. ``codes`` are those of the step that ended it."""
    if result is None:
        return "no result"
    if not ended(result):
        return f"still {result.state}"
    if result.outcome != expected.outcome:
        return f"{result.outcome} {' '.join(codes)}".strip()
    if result.outcome is Outcome.ISSUED and not (result.ksef_number and result.upo):
        return "no KSeF number or UPO"
    if expected.code is not None and (not codes or codes[0] != expected.code):
        return f"finding {' '.join(codes) or 'none'}, not {expected.code}"
    return None


def _document_id(samples: Path, expectation: Expectation) -> UUID:
    raw = (samples / "documents" / expectation.file).read_bytes()
    candidates = split(raw, source=expectation.source, ce_id=None)
    return next(item.document_id for item in candidates if item.place == expectation.place)
