"""Why a valid invoice is not admitted: codes ``D..``, one function each. Texts in English and Polish."""

from uuid import UUID

from contracts.findings import Finding


def exact_duplicate(*, of: UUID, ksef_number: str | None) -> Finding:
    return Finding(
        code="D01",
        text=f"the same invoice was already issued as document {of}{_number(ksef_number)}",
        text_pl=f"ta sama faktura została już wystawiona jako dokument {of}{_number(ksef_number)}",
        next_step="nothing to do: take the number and the receipt of the first document",
        next_step_pl="nic nie trzeba robić: użyj numeru i UPO pierwszego dokumentu",
        field="number",
        value=ksef_number,
    )


def numbering_conflict(*, number: str, with_: UUID, ksef_number: str | None) -> Finding:
    return Finding(
        code="D02",
        text=f"another invoice with the number {number} was already issued: document {with_}{_number(ksef_number)}",
        text_pl=f"inna faktura o numerze {number} została już wystawiona: dokument {with_}{_number(ksef_number)}",
        next_step="compare both; publish this one under a number of its own as a new document or revision",
        next_step_pl="porównaj obie; opublikuj tę pod własnym numerem jako nowy dokument lub rewizję",
        field="number",
        value=number,
    )


def _number(ksef_number: str | None) -> str:
    return f" (KSeF {ksef_number})" if ksef_number else ""
