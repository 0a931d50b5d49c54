"""Which field of ``invoice/1`` an element of FA(3) is written from, and the other way round.

Invariant: elements that are constants or follow from several fields have no field; a missing entry costs a
hint, a wrong one sends somebody to the wrong place.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

_step = re.compile(r"([^/\[]+)(?:\[(\d+)\])?").finditer

_ADDRESS: Final = {"": "", "KodKraju": ".country", "AdresL1": ".line1", "AdresL2": ".line2", "GLN": ".gln"}
_CONTACT: Final = {"": "", "Email": ".email", "Telefon": ".phone"}
_IDENTITY: Final = {
    "NIP": ".nip",
    "IDWew": ".internal_id",
    "KodUE": ".vat_eu.country",
    "NrVatUE": ".vat_eu.number",
    "KodKraju": ".other_id.country",
    "NrID": ".other_id.number",
    "BrakID": ".no_id",
    "Nazwa": ".name",
}
_LINE: Final = {
    "": "",
    "NrWierszaFa": ".no",
    "UU_ID": ".uid",
    "P_6A": ".date",
    "P_7": ".name",
    "Indeks": ".sku",
    "GTIN": ".gtin",
    "PKWiU": ".pkwiu",
    "CN": ".cn",
    "PKOB": ".pkob",
    "P_8A": ".unit",
    "P_8B": ".qty",
    "P_9A": ".net_price",
    "P_9B": ".gross_price",
    "P_10": ".discount",
    "P_11": ".net",
    "P_11A": ".gross",
    "P_11Vat": ".vat",
    "P_12": ".rate",
    "P_12_Zal_15": ".annex15",
    "KwotaAkcyzy": ".excise",
    "GTU": ".gtu",
    "Procedura": ".procedure",
    "KursWaluty": ".fx_rate",
    "StanPrzed": ".state",
}
_ACCOUNT: Final = {
    "": "",
    "NrRB": ".number",
    "SWIFT": ".swift",
    "RachunekWlasnyBanku": ".own_bank",
    "NazwaBanku": ".bank",
    "OpisRachunku": ".note",
}
_METHOD: Final = {"FormaPlatnosci": ".method", "OpisPlatnosci": ".method.other"}
_CHARGE: Final = {"": "", "Kwota": ".amount", "Powod": ".reason"}
_PARTY: Final = {
    "": "",
    "NrEORI": ".eori",
    "NrKlienta": ".customer_no",
    "IDNabywcy": ".buyer_key",
    "PrefiksPodatnika": ".eu_prefix",
    "StatusInfoPodatnika": ".status",
    "JST": ".local_gov",
    "GV": ".vat_group",
    "OpisRoli": ".role_text",
    "Udzial": ".share",
}


def _under(path: str, field: str, table: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for element, name in table.items():
        yield (f"{path}/{element}" if element else path), field + name


def _party(path: str, field: str, *, suffix: str = "") -> Iterator[tuple[str, str]]:
    """``suffix``: what the schema appends to the names of some elements of the authorised party."""
    yield from _under(path, field, {**_PARTY, f"Rola{suffix}": ".role"})
    yield from _under(f"{path}/DaneIdentyfikacyjne", field, _IDENTITY)
    yield from _under(f"{path}/Adres", f"{field}.address", _ADDRESS)
    yield from _under(f"{path}/AdresKoresp", f"{field}.correspondence", _ADDRESS)
    contact = {f"{element}{suffix if element else ''}": name for element, name in _CONTACT.items()}
    yield from _under(f"{path}/DaneKontaktowe", f"{field}.contacts[{{}}]", contact)


_TOTALS: Final = (
    *(f"P_1{part}_{group}" for group in range(1, 6) for part in "34"),
    *(f"P_14_{group}W" for group in range(1, 5)),
    *(f"P_13_{group}" for group in ("6_1", "6_2", "6_3", "7", "8", "9", "10", "11")),
)

_FIELDS: Final[dict[str, str]] = {
    "Naglowek/DataWytworzeniaFa": "source.created_at",
    **dict(_party("Podmiot1", "seller")),
    **dict(_party("Podmiot2", "buyer")),
    **dict(_party("Podmiot3", "third_parties[{}]")),
    **dict(_party("PodmiotUpowazniony", "authorised", suffix="PU")),
    "Fa/KodWaluty": "currency",
    "Fa/P_1": "issue_date",
    "Fa/P_1M": "issue_place",
    "Fa/P_2": "number",
    "Fa/WZ": "delivery_notes[{}]",
    "Fa/P_6": "supply.date",
    "Fa/OkresFa": "supply",
    "Fa/OkresFa/P_6_Od": "supply.from",
    "Fa/OkresFa/P_6_Do": "supply.to",
    **{f"Fa/{total}": "totals.rates" for total in _TOTALS},
    "Fa/P_15": "totals.gross",
    "Fa/KursWalutyZ": "advance.fx_rate",
    "Fa/Adnotacje/P_16": "annotations.cash_method",
    "Fa/Adnotacje/P_17": "annotations.self_billing",
    "Fa/Adnotacje/P_18": "annotations.reverse_charge",
    "Fa/Adnotacje/P_18A": "annotations.split_payment",
    **{f"Fa/Adnotacje/Zwolnienie/P_19{letter}": "annotations.exemption.text" for letter in "ABC"},
    "Fa/Adnotacje/P_23": "annotations.triangular",
    "Fa/RodzajFaktury": "kind",
    "Fa/PrzyczynaKorekty": "correction.reason",
    "Fa/TypKorekty": "correction.effect",
    "Fa/DaneFaKorygowanej": "correction.originals[{}]",
    "Fa/DaneFaKorygowanej/DataWystFaKorygowanej": "correction.originals[{}].issue_date",
    "Fa/DaneFaKorygowanej/NrFaKorygowanej": "correction.originals[{}].number",
    "Fa/DaneFaKorygowanej/NrKSeFFaKorygowanej": "correction.originals[{}].ksef_number",
    "Fa/OkresFaKorygowanej": "correction.period",
    "Fa/NrFaKorygowany": "correction.correct_number",
    **dict(_party("Fa/Podmiot1K", "correction.seller_before")),
    **dict(_party("Fa/Podmiot2K", "correction.buyers_before[{}]")),
    "Fa/FP": "flags.receipt",
    "Fa/TP": "flags.related",
    "Fa/DodatkowyOpis": "notes",
    "Fa/DodatkowyOpis/Klucz": "notes",
    "Fa/DodatkowyOpis/Wartosc": "notes",
    "Fa/ZwrotAkcyzy": "flags.excise_refund",
    **dict(_under("Fa/FaWiersz", "lines[{}]", _LINE)),
    **dict(_under("Fa/Rozliczenie/Obciazenia", "settlement.charges[{}]", _CHARGE)),
    **dict(_under("Fa/Rozliczenie/Odliczenia", "settlement.deductions[{}]", _CHARGE)),
    "Fa/Rozliczenie/DoZaplaty": "settlement.total_due",
    "Fa/Rozliczenie/DoRozliczenia": "settlement.total_due",
    "Fa/Platnosc/DataZaplaty": "payment.paid_on",
    "Fa/Platnosc/ZaplataCzesciowa": "payment.parts[{}]",
    "Fa/Platnosc/ZaplataCzesciowa/KwotaZaplatyCzesciowej": "payment.parts[{}].amount",
    "Fa/Platnosc/ZaplataCzesciowa/DataZaplatyCzesciowej": "payment.parts[{}].date",
    **dict(_under("Fa/Platnosc/ZaplataCzesciowa", "payment.parts[{}]", _METHOD)),
    "Fa/Platnosc/TerminPlatnosci": "payment.terms[{}]",
    "Fa/Platnosc/TerminPlatnosci/Termin": "payment.terms[{}].date",
    "Fa/Platnosc/TerminPlatnosci/TerminOpis/Ilosc": "payment.terms[{}].count",
    "Fa/Platnosc/TerminPlatnosci/TerminOpis/Jednostka": "payment.terms[{}].unit",
    "Fa/Platnosc/TerminPlatnosci/TerminOpis/ZdarzeniePoczatkowe": "payment.terms[{}].event",
    **dict(_under("Fa/Platnosc", "payment", _METHOD)),
    **dict(_under("Fa/Platnosc/RachunekBankowy", "payment.accounts[{}]", _ACCOUNT)),
    **dict(_under("Fa/Platnosc/RachunekBankowyFaktora", "payment.factor_accounts[{}]", _ACCOUNT)),
    "Fa/Platnosc/Skonto/WarunkiSkonta": "payment.discount.conditions",
    "Fa/Platnosc/Skonto/WysokoscSkonta": "payment.discount.amount",
    "Fa/Platnosc/LinkDoPlatnosci": "payment.link",
    "Fa/Platnosc/IPKSeF": "payment.ipksef",
    "Fa/WarunkiTransakcji/Umowy/DataUmowy": "terms.contracts[{}].date",
    "Fa/WarunkiTransakcji/Umowy/NrUmowy": "terms.contracts[{}].number",
    "Fa/WarunkiTransakcji/Zamowienia/DataZamowienia": "terms.orders[{}].date",
    "Fa/WarunkiTransakcji/Zamowienia/NrZamowienia": "terms.orders[{}].number",
    "Fa/WarunkiTransakcji/NrPartiiTowaru": "terms.batches[{}]",
    "Fa/WarunkiTransakcji/WarunkiDostawy": "terms.incoterms",
    "Fa/WarunkiTransakcji/KursUmowny": "terms.contract_rate.rate",
    "Fa/WarunkiTransakcji/WalutaUmowna": "terms.contract_rate.currency",
    "Fa/WarunkiTransakcji/PodmiotPosredniczacy": "terms.intermediary",
    "Stopka/Informacje": "footer.texts[{}]",
    "Stopka/Informacje/StopkaFaktury": "footer.texts[{}]",
    "Stopka/Rejestry": "footer.registers[{}]",
    "Stopka/Rejestry/PelnaNazwa": "footer.registers[{}].name",
    "Stopka/Rejestry/KRS": "footer.registers[{}].krs",
    "Stopka/Rejestry/REGON": "footer.registers[{}].regon",
    "Stopka/Rejestry/BDO": "footer.registers[{}].bdo",
}

_SHARED: Final[dict[str, tuple[str, ...]]] = {
    "annotations.exemption.basis": tuple(f"Fa/Adnotacje/Zwolnienie/P_19{letter}" for letter in "ABC"),
    "lines[].discount_per_unit": ("Fa/FaWiersz/P_10",),
    "lines[].po.number": ("Fa/DodatkowyOpis/Wartosc",),
    "lines[].po.item": ("Fa/DodatkowyOpis/Wartosc",),
    "lines[].delivery_note": ("Fa/DodatkowyOpis/Wartosc",),
    "lines[].notes[].key": ("Fa/DodatkowyOpis/Klucz",),
    "lines[].notes[].value": ("Fa/DodatkowyOpis/Wartosc",),
    "notes[].key": ("Fa/DodatkowyOpis/Klucz",),
    "notes[].value": ("Fa/DodatkowyOpis/Wartosc",),
    "totals.rates[].net": tuple(f"Fa/{total}" for total in _TOTALS if total.startswith("P_13")),
    "totals.rates[].vat": tuple(f"Fa/P_14_{group}" for group in range(1, 6)),
    "totals.rates[].vat_pln": tuple(f"Fa/P_14_{group}W" for group in range(1, 5)),
    "fx.rate": ("Fa/FaWiersz/KursWaluty",),
    "correction.originals[].outside_ksef": ("Fa/DaneFaKorygowanej/NrKSeFN",),
    "payment.status": ("Fa/Platnosc/Zaplacono", "Fa/Platnosc/ZnacznikZaplatyCzesciowej"),
}
"""Fields whose elements are written from other fields as well, so that no element leads back to them."""

_REPEATED: Final = frozenset(
    {
        "DaneFaKorygowanej",
        "DaneKontaktowe",
        "FaWiersz",
        "Informacje",
        "NrPartiiTowaru",
        "Obciazenia",
        "Odliczenia",
        "Podmiot2K",
        "Podmiot3",
        "RachunekBankowy",
        "RachunekBankowyFaktora",
        "Rejestry",
        "TerminPlatnosci",
        "Umowy",
        "WZ",
        "Zamowienia",
        "ZaplataCzesciowa",
    }
)


def field_of(fa3_path: str) -> str | None:
    """``lines[2].rate`` for ``Fa/FaWiersz[3]/P_12``; nothing if no single field stands behind the element."""
    steps = [(step[1], int(step[2] or 1) - 1) for step in _step(fa3_path)]
    field = _FIELDS.get("/".join(name for name, _ in steps))
    if field is None:
        return None
    return field.format(*(index for name, index in steps if name in _REPEATED))


def elements_of(field: str) -> tuple[str, ...]:
    """The elements of FA(3) that ``lines[].rate`` is written to; none for what follows no single element."""
    pattern = field.replace("[]", "[{}]")
    found = tuple(
        path for path, written_from in _FIELDS.items() if written_from in (pattern, f"{pattern}[{{}}]")
    )
    return found or _SHARED.get(field, ())
