"""The totals of the invoice by group of rates, and the amount due.

Invariant: totals given by the ERP are kept to the letter. Without them, net prices are taxed on the sum of
each rate and gross prices have their tax taken out of that sum; where every line of a rate states its VAT,
those amounts are added up instead. (Art. 106e(7)–(11) of the VAT Act.)
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from operator import neg, pos
from typing import NamedTuple, TypeAlias

from contracts.findings import Finding
from contracts.invoice import Invoice
from contracts.invoice.rates import Oss, RateCode
from contracts.invoice.totals import RateTotal
from contracts.wording import Wording
from fa3.arithmetic import ZERO, money, rounded, tax_in_gross, tax_on_net
from fa3.rates import GROUPS, TAX_RATES, Group
from fa3.writer.markup import element
from fa3.writer.refusal import refused
from fa3.writer.table import LineColumns
from fa3.writer.values import LineValues


class RateSum(NamedTuple):
    """The sums of one rate; ``vat_pln`` is absent on invoices in PLN, and where no exchange rate is known."""

    code: RateCode
    net: Decimal
    vat: Decimal
    vat_pln: Decimal | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Sums by rate, the amount due, and every rate code that lines or totals use."""

    sums: tuple[RateSum, ...]
    gross: Decimal
    codes: frozenset[RateCode]


_Tax: TypeAlias = Callable[[Decimal, Decimal], Decimal]


@dataclass(slots=True)
class _Lines:
    """Lines of one rate priced one way, in columns; negative for the state before a correction.

    ``tax`` gives the VAT on, or within, a value at a percentage.
    """

    tax: _Tax
    values: list[Decimal] = field(default_factory=list)
    vats: list[Decimal | None] = field(default_factory=list)
    fx_rates: list[Decimal | None] = field(default_factory=list)

    def stated_vat(self) -> Decimal | None:
        """The sum of the lines' own VAT, if every line states it."""
        stated = [vat for vat in self.vats if vat is not None]
        return sum(stated, ZERO) if stated and len(stated) == len(self.vats) else None

    def taxes(self, percent: Decimal) -> Iterator[Decimal]:
        """The VAT of each line: its own, or computed."""
        for value, vat in zip(self.values, self.vats, strict=True):
            yield self.tax(value, percent) if vat is None else vat


def summary(invoice: Invoice, lines: LineColumns, values: LineValues) -> Summary:
    """Add up the invoice.

    Lines without a value or a rate code count for nothing: ``values.problems`` names them.

    To be called within ``ARITHMETIC``.
    """
    by_rate = _by_rate(lines, values)
    given = invoice.totals.rates if invoice.totals else ()
    if given:
        sums = tuple(
            _given(invoice, total.rate, total, by_rate.get(total.rate, ()))
            for total in given
            if isinstance(total.rate, str)
        )
    else:
        sums = tuple(_computed(invoice, code, lines_of_rate) for code, lines_of_rate in by_rate.items())
    gross = invoice.totals.gross if invoice.totals else None
    if gross is None:
        gross = sum((one.net + one.vat for one in sums), ZERO)
    return Summary(sums, gross, frozenset(by_rate) | {one.code for one in sums})


def problems(invoice: Invoice, totals: Summary) -> Iterator[Finding]:
    """Totals that cannot be written: a rate given twice, VAT where there is none, amounts not told in PLN."""
    given = invoice.totals.rates if invoice.totals else ()
    for index, total in enumerate(given):
        yield from _misplaced(invoice, total, f"totals.rates[{index}]", earlier=given[:index])
    if invoice.currency == "PLN":
        # Some systems send the rate 1 with every invoice in PLN; it says nothing.
        if invoice.fx is not None and invoice.fx.rate != 1:
            yield _no_place_on_pln("fx.rate")
        return
    for one in totals.sums:
        if one.vat and one.vat_pln is None:
            yield refused(
                "C35",
                "fx",
                Wording(
                    f"is missing: VAT at {one.code} has to be stated in PLN as well",
                    f"nie zostało podane: VAT według {one.code} trzeba podać także w PLN",
                ),
                next_step=Wording(
                    f"Give fx.rate (PLN for one {invoice.currency}), or vat_pln in totals.rates.",
                    f"Podaj fx.rate (PLN za jedną jednostkę {invoice.currency}) albo vat_pln w totals.rates.",
                ),
            )


def written(totals: Summary) -> str:
    """P_13_1 to P_15, in the order of the schema."""
    by_group: dict[Group, list[RateSum]] = {}
    for one in totals.sums:
        by_group.setdefault(TAX_RATES[one.code].group, []).append(one)
    groups = "".join(_group(group, by_group[group]) for group in GROUPS if group in by_group)
    return groups + element("P_15", money(totals.gross))


def _group(group: Group, members: Sequence[RateSum]) -> str:
    net = element(group.net, money(sum((one.net for one in members), ZERO)))
    if group.vat is None or group.vat_pln is None:
        return net
    vat = element(group.vat, money(sum((one.vat for one in members), ZERO)))
    in_pln = [one.vat_pln for one in members if one.vat_pln is not None]
    return net + vat + (element(group.vat_pln, money(sum(in_pln, ZERO))) if in_pln else "")


def _misplaced(
    invoice: Invoice, total: RateTotal, field: str, *, earlier: Sequence[RateTotal]
) -> Iterator[Finding]:
    if any(total.rate == other.rate for other in earlier):
        yield refused(
            "C41",
            f"{field}.rate",
            Wording("is given twice", "podano dwa razy"),
            next_step=Wording("Give one total for each rate.", "Podaj jedną sumę dla każdej stawki."),
        )
    if (
        isinstance(total.rate, str)
        and TAX_RATES[total.rate].group.vat is None
        and (total.vat or total.vat_pln)
    ):
        yield refused(
            "C41",
            field,
            Wording(f"states VAT, but {total.rate} carries none", f"podaje VAT, ale {total.rate} go nie ma"),
            next_step=Wording("Correct the rate.", "Popraw stawkę."),
        )
    elif total.vat_pln is not None and invoice.currency == "PLN":
        yield _no_place_on_pln(f"{field}.vat_pln")


def _no_place_on_pln(field: str) -> Finding:
    return refused(
        "C35",
        field,
        Wording("stands on an invoice in PLN", "stoi na fakturze w PLN"),
        next_step=Wording(
            "Remove it, or state the invoice's currency.", "Usuń to albo podaj walutę faktury."
        ),
    )


def _by_rate(lines: LineColumns, values: LineValues) -> dict[RateCode, Sequence[_Lines]]:
    """The lines of each rate, those priced net apart from those priced gross."""
    found: dict[RateCode, dict[_Tax, _Lines]] = {}
    columns = zip(lines.rate, values.nets, values.grosses, lines.vat, lines.fx_rate, lines.state, strict=True)
    for code, net, gross, vat, fx_rate, state in columns:
        value, tax = (net, tax_on_net) if gross is None else (gross, tax_in_gross)
        if value is None or code is None or isinstance(code, Oss):
            continue
        of_rate = found.get(code) or found.setdefault(code, {})
        column = of_rate.get(tax) or of_rate.setdefault(tax, _Lines(tax))
        sign = neg if state == "before" else pos
        column.values.append(sign(value))
        column.vats.append(vat and sign(vat))
        column.fx_rates.append(fx_rate)
    return {code: tuple(of_rate.values()) for code, of_rate in found.items()}


def _computed(invoice: Invoice, code: RateCode, lines: Sequence[_Lines]) -> RateSum:
    percent = TAX_RATES[code].percent
    net = vat = ZERO
    for priced in lines:
        value, tax = sum(priced.values, ZERO), priced.stated_vat()
        if tax is None:
            tax = priced.tax(value, percent)
        net += value if priced.tax is tax_on_net else value - tax
        vat += tax
    return RateSum(code, net, vat, _in_pln(invoice, vat, lines, percent))


def _given(invoice: Invoice, code: RateCode, total: RateTotal, lines: Sequence[_Lines]) -> RateSum:
    percent = TAX_RATES[code].percent
    vat = tax_on_net(total.net, percent) if total.vat is None else total.vat
    in_pln = _in_pln(invoice, vat, lines, percent) if total.vat_pln is None else total.vat_pln
    return RateSum(code, total.net, vat, in_pln)


def _in_pln(invoice: Invoice, vat: Decimal, lines: Sequence[_Lines], percent: Decimal) -> Decimal | None:
    """The VAT of a rate in PLN, rounded once; line by line if lines were converted at different rates."""
    if invoice.currency == "PLN":
        return None
    common = invoice.fx.rate if invoice.fx else None
    own = [rate for priced in lines for rate in priced.fx_rates]
    rates = [common if rate is None else rate for rate in own] or [common]
    known = [rate for rate in rates if rate is not None]
    if len(known) < len(rates):
        return None
    if len(set(known)) == 1:
        return rounded(vat * known[0])
    taxes = [tax for priced in lines for tax in priced.taxes(percent)]
    return rounded(sum((tax * rate for tax, rate in zip(taxes, known, strict=True)), ZERO))
