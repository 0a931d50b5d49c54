"""What KSeF answered, and what a person must look at: codes ``S..``. Texts in English and Polish."""

from uuid import UUID

from contracts.findings import Finding


def rejected(*, code: int, description: str, details: tuple[str, ...]) -> Finding:
    said = "; ".join((description, *details)) if details else description
    return Finding(
        code=f"S{code}",
        text=f"KSeF rejected the invoice with status {code}: {said}",
        text_pl=f"KSeF odrzucił fakturę ze statusem {code}: {said}",
        next_step="mend the document and publish it as a new revision; its number is free again",
        next_step_pl="popraw dokument i opublikuj go jako nową rewizję; jego numer jest znów wolny",
    )


def not_permitted(*, code: int, description: str, details: tuple[str, ...]) -> Finding:
    said = "; ".join((description, *details)) if details else description
    return Finding(
        code=f"S{code}",
        text=f"the company's KSeF credential may not issue for this seller (status {code}): {said}",
        text_pl=f"poświadczenie KSeF firmy nie może wystawiać faktur tego sprzedawcy (status {code}): {said}",
        next_step="grant the permission in KSeF, then publish a new revision",
        next_step_pl="nadaj uprawnienie w KSeF, a potem opublikuj nową rewizję",
    )


def conflict(*, original: str | None) -> Finding:
    return Finding(
        code="S440",
        text=f"KSeF already holds another invoice with this seller, kind and number: {original or 'it did not say which'}",
        text_pl=f"KSeF ma już inną fakturę o tym sprzedawcy, rodzaju i numerze: {original or 'nie podano której'}",
        next_step="somebody else issued it: compare both, then publish this one under a number of its own",
        next_step_pl="wystawił ją ktoś inny: porównaj obie i opublikuj tę pod własnym numerem",
        field="number",
        value=original,
    )


def duplicate_of_ours(*, document: UUID, original: str) -> Finding:
    return Finding(
        code="S441",
        text=f"KSeF holds the same number from our own document {document} ({original})",
        text_pl=f"KSeF ma ten sam numer z naszego dokumentu {document} ({original})",
        next_step="compare both documents; this should have been found before sending: tell the developers",
        next_step_pl="porównaj oba dokumenty; to należało wykryć przed wysłaniem: zgłoś programistom",
        field="number",
        value=original,
    )


def attempts_used_up(*, attempts: int, code: int | None) -> Finding:
    return Finding(
        code="S500",
        text=f"KSeF failed {attempts} times to process the invoice, last with status {code}",
        text_pl=f"KSeF {attempts} razy nie przetworzył faktury, ostatnio ze statusem {code}",
        next_step="ask the ministry's support with the references of the journal; the document is kept as it is",
        next_step_pl="zapytaj wsparcie ministerstwa, podając numery z dziennika; dokument pozostaje bez zmian",
    )


def request_refused(*, what: str) -> Finding:
    return Finding(
        code="S400",
        text=f"KSeF refused the request itself, which repeating cannot mend: {what}",
        text_pl=f"KSeF odrzucił samo żądanie, powtarzanie nie pomoże: {what}",
        next_step="tell the developers; the document was not processed and is kept as it is",
        next_step_pl="zgłoś programistom; dokument nie został przetworzony i pozostaje bez zmian",
    )


def bytes_missing(*, what: str) -> Finding:
    return Finding(
        code="S900",
        text=f"the stored invoice cannot be read back: {what}",
        text_pl=f"nie można odczytać zapisanej faktury: {what}",
        next_step="restore the payload store from its backup",
        next_step_pl="przywróć magazyn dokumentów z kopii zapasowej",
    )
