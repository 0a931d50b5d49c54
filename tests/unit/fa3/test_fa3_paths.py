"""Every element leads to the field it is written from, and every entry of that table leads somewhere."""

import re
from pathlib import Path

import pytest
from lxml import etree

from fa3.fields import _FIELDS, elements_of, field_of
from fa3.places import path_of
from fa3.second_opinion import _compiled
from fa3.versions import FA3
from fa3.writer.support import CONTROL_FIELDS, UNWRITTEN_PARTS
from tests.support.fa3_fields import leaves

GOLDEN = Path(__file__).parent / "golden"

# What the writer decides or computes: no single field of the invoice stands behind it.
WITHOUT_FIELD = re.compile(
    "Naglowek/(KodFormularza|WariantFormularza|SystemInfo)"
    "|Podmiot3/RolaInna"
    "|Fa/Adnotacje/(Zwolnienie/P_19N?|NoweSrodkiTransportu/P_22N|PMarzy/P_PMarzyN)"
    "|Fa/DaneFaKorygowanej/NrKSeFN?"
    "|Fa/DodatkowyOpis/NrWiersza"
    "|Fa/Rozliczenie/Suma(Obciazen|Odliczen)"
    "|Fa/Platnosc/(Zaplacono|ZnacznikZaplatyCzesciowej|PlatnoscInna|ZaplataCzesciowa/PlatnoscInna)"
)


def model_paths() -> set[str]:
    """Every field and part of the model, lists with ``[{}]``."""
    found: set[str] = set()
    for leaf, _ in leaves():
        steps = leaf.replace("[]", "[{}]").split(".")
        found |= {".".join(steps[: end + 1]) for end in range(len(steps))}
    return (
        found
        | {path.removesuffix("[{}]") for path in found}
        | {"payment.method.other", "payment.parts[{}].method.other"}
    )


def in_schema(fa3_path: str) -> bool:
    qualified = "/".join(f"tns:{step}" for step in ("Faktura", *fa3_path.split("/")))
    return _compiled(FA3).find(qualified, {"tns": FA3.namespace}) is not None


def test_the_table_names_elements_of_the_schema() -> None:
    # All parties share one table, and each has only some of its elements.
    assert [path for path in _FIELDS if not in_schema(path) and "Podmiot" not in path] == []


def test_the_table_leads_to_fields_of_the_model() -> None:
    known = model_paths()

    assert [path for path, field in _FIELDS.items() if in_schema(path) and field not in known] == []


@pytest.mark.parametrize("golden", sorted(GOLDEN.glob("*.xml")), ids=lambda path: path.stem)
def test_every_element_of_a_golden_document_leads_to_its_field(golden: Path) -> None:
    root = etree.parse(str(golden)).getroot()
    paths = [path_of(element) for element in root.iter(etree.Element) if not len(element)]
    known = model_paths()

    lost = [
        path
        for path in paths
        if field_of(path) is None and not WITHOUT_FIELD.fullmatch(re.sub(r"\[\d+\]", "", path))
    ]
    astray = [
        path for path in paths if (field := field_of(path)) and re.sub(r"\[\d+\]", "[{}]", field) not in known
    ]

    assert (lost, astray) == ([], [])


@pytest.mark.parametrize(
    ("fa3_path", "field"),
    [
        ("Fa/FaWiersz[3]/P_12", "lines[2].rate"),
        ("Fa/FaWiersz/P_12", "lines[0].rate"),
        ("Podmiot3[2]/DaneKontaktowe[3]/Telefon", "third_parties[1].contacts[2].phone"),
        ("Fa/WarunkiTransakcji/Zamowienia[2]/NrZamowienia", "terms.orders[1].number"),
        ("Fa/Platnosc/RachunekBankowyFaktora/NrRB", "payment.factor_accounts[0].number"),
        ("Fa/P_14_1W", "totals.rates"),
        ("Fa/DodatkowyOpis[7]/Wartosc", "notes"),
        ("Fa/Nieznane", None),
        ("Faktura", None),
    ],
)
def test_a_path_becomes_a_field_with_its_positions(fa3_path: str, field: str | None) -> None:
    assert field_of(fa3_path) == field


def test_a_position_is_shown_only_among_siblings_of_the_same_name() -> None:
    root = etree.fromstring("<Faktura xmlns='urn:a'><Fa><P/><P/><Q/><x:P xmlns:x='urn:b'/></Fa></Faktura>")

    assert [path_of(element) for element in root.iter(etree.Element)] == [
        "Faktura",
        "Fa",
        "Fa/P[1]",
        "Fa/P[2]",
        "Fa/Q",
        "Fa/P",
    ]


def test_every_field_that_is_written_leads_to_elements_of_the_schema() -> None:
    decided = {"totals.rates[].rate"}  # which of the sums of P_13 and P_14 the others go to
    fields = [
        leaf
        for leaf, _ in leaves()
        if leaf not in CONTROL_FIELDS | decided and not leaf.startswith(UNWRITTEN_PARTS)
    ]

    assert [field for field in fields if not elements_of(field.removesuffix("[]"))] == []
    assert [
        path for field in fields for path in elements_of(field.removesuffix("[]")) if not in_schema(path)
    ] == []


@pytest.mark.parametrize(
    ("field", "elements"),
    [
        ("lines[].rate", ("Fa/FaWiersz/P_12",)),
        ("authorised.contacts[].email", ("PodmiotUpowazniony/DaneKontaktowe/EmailPU",)),
        ("authorised.role", ("PodmiotUpowazniony/RolaPU",)),
        ("delivery_notes", ("Fa/WZ",)),
        ("payment.status", ("Fa/Platnosc/Zaplacono", "Fa/Platnosc/ZnacznikZaplatyCzesciowej")),
        ("source.system", ()),
    ],
)
def test_a_field_leads_to_the_elements_it_is_written_to(field: str, elements: tuple[str, ...]) -> None:
    assert elements_of(field) == elements
