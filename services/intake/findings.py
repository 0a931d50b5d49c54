"""Why intake did not take a document: codes ``I..``, one function each. Texts in English and Polish."""

from contracts.findings import Finding


def not_a_document(size_bytes: int) -> Finding:
    what = "the record is empty" if size_bytes == 0 else "the record holds neither JSON nor XML"
    what_pl = "rekord jest pusty" if size_bytes == 0 else "rekord nie zawiera ani JSON, ani XML"
    return Finding(
        code="I01",
        text=f"{what}",
        text_pl=what_pl,
        next_step="publish invoice/1 as JSON (an object, or an array of them), or an FA(3) XML file",
        next_step_pl="opublikuj invoice/1 jako JSON (obiekt lub tablicę obiektów) albo plik XML FA(3)",
    )


def malformed_json(where: str) -> Finding:
    return Finding(
        code="I02",
        text=f"the JSON cannot be read: {where}",
        text_pl=f"nie można odczytać JSON: {where}",
        next_step="mend the program that writes it; the record was kept as it came",
        next_step_pl="popraw program, który go zapisuje; rekord zachowano bez zmian",
    )


def wrong_shape(where: str) -> Finding:
    return Finding(
        code="I03",
        text=f"the document is not an invoice/1 object: {where}",
        text_pl=f"dokument nie jest obiektem invoice/1: {where}",
        next_step="compare it with contracts/schemas/invoice-1.json",
        next_step_pl="porównaj go z contracts/schemas/invoice-1.json",
    )


def unknown_model(model: object) -> Finding:
    shown = model if isinstance(model, str) and len(model) <= 40 else type(model).__name__
    return Finding(
        code="I04",
        text='the field "model" does not say "invoice/1"',
        text_pl="pole „model” nie ma wartości „invoice/1”",
        next_step='put "model": "invoice/1" into the document',
        next_step_pl='wpisz "model": "invoice/1" do dokumentu',
        field="model",
        value=str(shown),
        allowed=("invoice/1",),
    )


def unusable_id(limit: int) -> Finding:
    return Finding(
        code="I05",
        text=f"the ERP's document id or revision is longer than {limit} characters or has unprintable ones",
        text_pl=f"identyfikator dokumentu z ERP lub rewizja ma ponad {limit} znaków albo znaki niedrukowalne",
        next_step="mend the header ce_id or the fields source.document_id, source.revision",
        next_step_pl="popraw nagłówek ce_id lub pola source.document_id, source.revision",
    )


def no_company() -> Finding:
    return Finding(
        code="I06",
        text="the document does not say who issues it: there is no NIP of the seller (of the buyer, if self-billed)",
        text_pl="dokument nie wskazuje wystawcy: brak NIP sprzedawcy (nabywcy przy samofakturowaniu)",
        next_step="fill in seller.nip (buyer.nip with annotations.self_billing), ten digits without separators",
        next_step_pl="uzupełnij seller.nip (buyer.nip przy annotations.self_billing): dziesięć cyfr bez separatorów",
        field="seller.nip",
    )


def may_not_speak_for(source: str, nip: str) -> Finding:
    return Finding(
        code="I07",
        text=f"the source {source} may not speak for the company {nip}",
        text_pl=f"źródło {source} nie może wystawiać dokumentów firmy {nip}",
        next_step=f"add the NIP to companies in config/sources/{source}.yaml, apply it, publish a new revision",
        next_step_pl=f"dodaj NIP do companies w config/sources/{source}.yaml, zastosuj, opublikuj nową rewizję",
        field="seller.nip",
        value=nip,
    )


def revision_reused(*, first: str, now: str) -> Finding:
    return Finding(
        code="I08",
        text=f"this revision was published before with other bytes: SHA-256 {first} then, {now} now",
        text_pl=f"ta rewizja była już opublikowana z inną treścią: SHA-256 {first} wtedy, {now} teraz",
        next_step="the first one stays valid; publish the change under a new source.revision",
        next_step_pl="ważna pozostaje pierwsza; zmianę opublikuj z nową wartością source.revision",
        field="source.revision",
    )
