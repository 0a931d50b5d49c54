"""What became of a document, in words: where it stands, why, and what to do. Pure, English and Polish.

Invariant: nothing is guessed. What the books do not say is not said; who waits is told for whom.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cli.holding import Stand, holds
from cli.moments import shown
from contracts.findings import Finding
from contracts.sales import State
from contracts.wording import Wording
from services.sender.pauses import Pause
from services.sender.recovery_store import Standing
from services.sender.turn import Turn
from services.tracker.store import Document


@dataclass(frozen=True, slots=True)
class Case:
    """A document, and all the books say about it."""

    document: Document
    steps: Sequence[Mapping[str, Any]]
    """As ``services.tracker.store.steps`` gives them."""
    turn: Turn | None = None
    holder: Document | None = None
    """The document that it waits for."""
    pauses: Sequence[Pause] = ()
    recovering: Sequence[Standing] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Sentences, in the order in which they are to be read."""

    about: Wording
    stands: Wording
    because: tuple[Wording, ...]
    next_steps: tuple[Wording, ...]
    history: tuple[Wording, ...]


NOTHING_TO_DO: Final = Wording("Nothing is to be done.", "Nic nie trzeba robić.")


def explain(case: Case) -> Explanation:
    """The explanation of a case."""
    stand = _stand(case)
    reused = [step for step in case.steps if step["state"] == State.REVISION_REUSED]
    notes = tuple(told(finding) for step in reused for finding in findings_of(step))
    return Explanation(
        about=_about(case.document),
        stands=stand.stands,
        because=(*stand.because, *notes),
        next_steps=(*stand.next_steps, *_unique(_next_steps(reused))) or (NOTHING_TO_DO,),
        history=tuple(_history(case.steps)),
    )


def told(finding: Finding) -> Wording:
    """``K04 Fa/P_15 is not …  (totals.gross, Fa/P_15, line 50)``"""
    where = ", ".join(filter(None, (finding.field, finding.fa3_path, finding.place)))
    at = f" ({where})" if where else ""
    return Wording(
        f"{finding.code}: {finding.text}{at}", f"{finding.code}: {finding.text_pl or finding.text}{at}"
    )


def findings_of(step: Mapping[str, Any]) -> list[Finding]:
    """What a step of the timeline found."""
    return [Finding.model_validate(one) for one in step["status"].get("findings", ())]


def _about(document: Document) -> Wording:
    ref, facts = document.ref, document.life.facts
    names = f"{ref.source}/{ref.erp_document_id}"
    if facts is None:
        return Wording(
            f"Document {names}, revision {ref.revision} (id {ref.document_id})",
            f"Dokument {names}, rewizja {ref.revision} (id {ref.document_id})",
        )
    invoice = f"{facts.number} ({facts.kind}, {facts.gross} {facts.currency})"
    return Wording(
        f"Invoice {invoice} of company {facts.seller_nip}: "
        f"document {names}, revision {ref.revision} (id {ref.document_id})",
        f"Faktura {invoice} firmy {facts.seller_nip}: "
        f"dokument {names}, rewizja {ref.revision} (id {ref.document_id})",
    )


_STANDS: Final[Mapping[str, Wording]] = {
    State.ACCEPTED: Wording(
        "We have taken it over; it is to be written as FA(3).",
        "Dokument został przyjęty; ma być zapisany jako FA(3).",
    ),
    State.MAPPED: Wording(
        "It is written as FA(3) and is to be checked.",
        "Dokument jest zapisany jako FA(3) i ma być sprawdzony.",
    ),
    State.ISSUED: Wording(
        "It is issued: KSeF gave it the number {number}. Its receipt (UPO) is being fetched.",
        "Faktura jest wystawiona: KSeF nadał jej numer {number}. Trwa pobieranie UPO.",
    ),
    State.COMPLETED: Wording(
        "It is issued: KSeF gave it the number {number}. Its receipt (UPO) is stored.",
        "Faktura jest wystawiona: KSeF nadał jej numer {number}. UPO jest zapisane.",
    ),
    State.REFUSED: Wording(
        "We refused it: it was not sent to KSeF.", "Odmowa: dokumentu nie wysłano do KSeF."
    ),
    State.REJECTED: Wording(
        "KSeF rejected it: the invoice is not issued, its number is free.",
        "KSeF odrzucił fakturę: nie została wystawiona, jej numer jest wolny.",
    ),
    State.PARKED: Wording(
        "It is set aside: a person must decide.", "Dokument jest odłożony: musi zdecydować człowiek."
    ),
}
_UNTOLD: Final = Wording("Its state is {state}.", "Stan dokumentu: {state}.")
_IF_IT_LASTS: Final = Wording(
    "If that lasts, see whether the workers run: ksef-courier doctor",
    "Jeśli to trwa, sprawdź, czy moduły działają: ksef-courier doctor",
)


def _stand(case: Case) -> Stand:
    life = case.document.life
    match life.state:
        case State.WAITING:
            return _waiting(case)
        case State.ADMITTED | State.SENT:
            company = case.document.ref.company_nip
            return holds(case.turn, company=company, pauses=case.pauses, recovering=case.recovering)
        case state:
            number = (life.ksef and life.ksef.ksef_number) or "?"
            words = _STANDS.get(state, _UNTOLD)
            stands = Wording(*(text.format(number=number, state=state or "?") for text in words))
            mend = _unique(map(_next_step, life.findings))
            lasting = (_IF_IT_LASTS,) if state in (State.ACCEPTED, State.MAPPED) else ()
            return Stand(stands, tuple(map(told, life.findings)), (*mend, *lasting))


def _waiting(case: Case) -> Stand:
    holder, waits_for = case.holder, case.document.life.waits_for
    stands = Wording(
        "It waits: another document holds its number, and what becomes of that one is not known yet.",
        "Dokument czeka: jego numer zajmuje inny, którego los nie jest jeszcze znany.",
    )
    if holder is None:
        names, state = str(waits_for), "?"
    else:
        names, state = f"{holder.ref.source}/{holder.ref.erp_document_id} (id {waits_for})", holder.life.state
    return Stand(
        stands,
        (
            Wording(
                f"It waits for document {names}, which is {state}. If that one is issued, this one is "
                "refused; if that one is refused or rejected, this one goes on.",
                f"Czeka na dokument {names}, stan: {state}. Jeśli tamten zostanie wystawiony, ten spotka "
                "odmowa; jeśli tamten zostanie odrzucony, ten ruszy dalej.",
            ),
        ),
        (
            Wording(
                f"Ask about the other one: ksef-courier explain {waits_for}",
                f"Zapytaj o tamten: ksef-courier explain {waits_for}",
            ),
        ),
    )


def _next_steps(steps: Sequence[Mapping[str, Any]]) -> Iterator[Wording]:
    for step in steps:
        yield from (_next_step(finding) for finding in findings_of(step))


def _next_step(finding: Finding) -> Wording:
    return Wording(finding.next_step or "", finding.next_step_pl or finding.next_step or "")


def _unique(said: Iterator[Wording]) -> Iterator[Wording]:
    return (one for one in dict.fromkeys(said) if one.en)


_HISTORY: Final[Mapping[str, Wording]] = {
    State.ACCEPTED: Wording("taken over", "przyjęty"),
    State.MAPPED: Wording("written as FA(3)", "zapisany jako FA(3)"),
    State.WAITING: Wording("waits for another document's fate", "czeka na los innego dokumentu"),
    State.ADMITTED: Wording("found valid, its number reserved", "poprawny, numer zarezerwowany"),
    State.SENT: Wording("taken by KSeF to be checked", "przyjęty przez KSeF do sprawdzenia"),
    State.ISSUED: Wording("issued: KSeF gave its number", "wystawiony: KSeF nadał numer"),
    State.COMPLETED: Wording("receipt (UPO) stored", "UPO zapisane"),
    State.REFUSED: Wording("refused by us", "odmowa po naszej stronie"),
    State.REJECTED: Wording("rejected by KSeF", "odrzucony przez KSeF"),
    State.PARKED: Wording("set aside for a person", "odłożony dla człowieka"),
    State.REVISION_REUSED: Wording(
        "published again under the same revision, with other content: ignored",
        "opublikowany ponownie pod tą samą rewizją z inną treścią: pominięty",
    ),
}


def _history(steps: Sequence[Mapping[str, Any]]) -> Iterator[Wording]:
    for step in steps:
        said = _HISTORY.get(step["state"], Wording(step["state"], step["state"]))
        at = shown(step["at"])
        yield Wording(f"{at}  {said.en} ({step['stage']})", f"{at}  {said.pl} ({step['stage']})")
