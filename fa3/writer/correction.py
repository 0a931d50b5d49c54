"""The correction block: why, which invoices, and the parties as they stood.

Invariant: a correction names at least one original, each either by its KSeF number or as issued outside KSeF.
(FA(3) PrzyczynaKorekty … Podmiot2K.)
"""

from collections.abc import Iterator

from contracts.findings import Finding
from contracts.invoice import Invoice
from contracts.invoice.correction import Original
from contracts.wording import Wording
from fa3.writer import parties
from fa3.writer.markup import element, flag, group, optional
from fa3.writer.refusal import refused


def problems(invoice: Invoice) -> Iterator[Finding]:
    """A correction without originals, an invoice with them, and originals of unknown fate."""
    correction = invoice.correction
    if correction is None and invoice.kind == "KOR":
        yield refused(
            "C37",
            "correction",
            Wording("is missing on an invoice of kind KOR", "nie zostało podane na fakturze rodzaju KOR"),
            next_step=Wording(
                "Name the corrected invoice in correction.originals.",
                "Wskaż korygowaną fakturę w correction.originals.",
            ),
        )
    if correction is None:
        return
    if invoice.kind != "KOR":
        yield refused(
            "C37",
            "correction",
            Wording(
                f"stands on an invoice of kind {invoice.kind}", f"stoi na fakturze rodzaju {invoice.kind}"
            ),
            next_step=Wording("Remove it, or make the kind KOR.", "Usuń to albo zmień rodzaj na KOR."),
        )
    if not correction.originals:
        yield refused(
            "C37",
            "correction.originals",
            Wording("are missing", "nie zostały podane"),
            next_step=Wording(
                "Name the corrected invoice, or several.", "Wskaż korygowaną fakturę lub kilka."
            ),
        )
    for index, original in enumerate(correction.originals):
        if original.ksef_number is None and not original.outside_ksef:
            yield refused(
                "C37",
                f"correction.originals[{index}]",
                Wording("has no KSeF number", "nie ma numeru KSeF"),
                value=original.number,
                next_step=Wording(
                    "Give ksef_number, or outside_ksef if KSeF does not hold the invoice.",
                    "Podaj ksef_number albo outside_ksef, jeśli faktury nie ma w KSeF.",
                ),
            )
    if _corrects_nothing(invoice):
        yield refused(
            "C37",
            "correction",
            Wording(
                "leaves open what it corrects: no lines, no totals, no earlier data",
                "nie mówi, co koryguje: brak wierszy, sum i danych sprzed korekty",
            ),
            next_step=Wording(
                "Give lines, totals (gross 0 if no amount changes), or the data as they stood before.",
                "Podaj wiersze, sumy (gross 0, gdy kwoty się nie zmieniają) albo dane sprzed korekty.",
            ),
        )


def written(invoice: Invoice) -> str:
    """The block in the order of the schema, or nothing."""
    correction = invoice.correction
    if correction is None:
        return ""
    return (
        optional("PrzyczynaKorekty", correction.reason)
        + optional("TypKorekty", correction.effect)
        + "".join(map(_original, correction.originals))
        + optional("OkresFaKorygowanej", correction.period)
        + optional("NrFaKorygowany", correction.correct_number)
        + (parties.seller_before(correction.seller_before) if correction.seller_before else "")
        + "".join(map(parties.buyer_before, correction.buyers_before))
    )


def _original(original: Original) -> str:
    in_ksef = flag("NrKSeF", original.ksef_number is not None)
    return group(
        "DaneFaKorygowanej",
        element("DataWystFaKorygowanej", original.issue_date)
        + element("NrFaKorygowanej", original.number)
        + in_ksef
        + optional("NrKSeFFaKorygowanej", original.ksef_number)
        + flag("NrKSeFN", not in_ksef),
    )


def _corrects_nothing(invoice: Invoice) -> bool:
    correction = invoice.correction
    if correction is None or invoice.lines or (invoice.totals and invoice.totals.rates):
        return False
    states_total = invoice.totals is not None and invoice.totals.gross is not None
    states_data = correction.seller_before or correction.buyers_before or correction.correct_number
    return not (states_total or states_data)
