"""FaWiersz: the lines of the invoice.

Invariant: a line priced net has P_9A and P_11, a line priced gross P_9B and P_11A; the state before a
correction stands as StanPrzed with its own values, every other state plainly.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from contracts.findings import Finding
from contracts.invoice import Invoice
from contracts.wording import Wording
from fa3.writer.columns import amounts, converted, marks, rows, sums, texts
from fa3.writer.refusal import refused
from fa3.writer.table import LineColumns
from fa3.writer.values import LineValues


def problems(invoice: Invoice, lines: LineColumns) -> Iterator[Finding]:
    """Lines that the invoice's kind, currency or date of supply does not go with."""
    if invoice.kind == "VAT" and not invoice.lines:
        yield refused(
            "C40",
            "lines",
            Wording("are missing on an invoice of kind VAT", "nie zostały podane na fakturze rodzaju VAT"),
            next_step=Wording("Give at least one line.", "Podaj co najmniej jeden wiersz."),
        )
    if invoice.supply is not None and any(lines.date):
        yield refused(
            "C44",
            "supply",
            Wording("stands beside dates of single lines", "stoi obok dat poszczególnych wierszy"),
            next_step=Wording("Give the one or the others.", "Podaj jedno albo drugie."),
        )
    if invoice.kind != "KOR":
        yield from _states(invoice, lines)
    if invoice.currency == "PLN":
        yield from _rates_on_pln(lines)


def _states(invoice: Invoice, lines: LineColumns) -> Iterator[Finding]:
    for index, state in enumerate(lines.state):
        if state != "normal":
            yield refused(
                "C43",
                f"lines[{index}].state",
                Wording(
                    f"belongs on a correction, not on kind {invoice.kind}",
                    f"należy na korektę, nie na fakturę rodzaju {invoice.kind}",
                ),
                value=state,
                next_step=Wording(
                    "Remove it, or make the invoice a correction.", "Usuń to albo wystaw korektę."
                ),
            )


def _rates_on_pln(lines: LineColumns) -> Iterator[Finding]:
    for index, rate in enumerate(lines.fx_rate):
        if rate is not None and rate != 1:
            yield refused(
                "C35",
                f"lines[{index}].fx_rate",
                Wording("stands on an invoice in PLN", "stoi na fakturze w PLN"),
                next_step=Wording(
                    "Remove it, or state the invoice's currency.", "Usuń to albo podaj walutę faktury."
                ),
            )


def written(invoice: Invoice, lines: LineColumns, values: LineValues) -> str:
    """All lines, in the order given."""
    return rows(
        "FaWiersz",
        (
            converted("NrWierszaFa", lines.numbers, str),
            texts("UU_ID", lines.uid),
            converted("P_6A", lines.date, date.isoformat),
            texts("P_7", lines.name),
            texts("Indeks", lines.sku),
            texts("GTIN", lines.gtin),
            texts("PKWiU", lines.pkwiu),
            texts("CN", lines.cn),
            texts("PKOB", lines.pkob),
            texts("P_8A", lines.unit),
            amounts("P_8B", lines.qty),
            amounts("P_9A", lines.net_price),
            amounts("P_9B", lines.gross_price),
            amounts("P_10", values.discounts),
            sums("P_11", values.nets),
            sums("P_11A", values.grosses),
            sums("P_11Vat", lines.vat),
            converted("P_12", lines.rate, str),
            marks("P_12_Zal_15", lines.annex15),
            sums("KwotaAkcyzy", lines.excise),
            converted("GTU", lines.gtu, "GTU_{:02}".format),
            texts("Procedura", lines.procedure),
            amounts("KursWaluty", _exchange_rates(invoice, lines)),
            marks("StanPrzed", [state == "before" for state in lines.state]),
        ),
    )


def _exchange_rates(invoice: Invoice, lines: LineColumns) -> Sequence[Decimal | None]:
    if invoice.currency == "PLN":
        return ()
    common = invoice.fx.rate if invoice.fx else None
    return [common if rate is None else rate for rate in lines.fx_rate]
