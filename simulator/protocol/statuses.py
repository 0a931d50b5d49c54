"""Status codes of logins, sessions and invoices with their Polish descriptions (KSeF API 2.9.0)."""

from collections.abc import Mapping, Sequence

LOGIN: Mapping[int, str] = {
    100: "Uwierzytelnianie w toku",
    200: "Uwierzytelnianie zakończone sukcesem",
    415: "Uwierzytelnianie zakończone niepowodzeniem",
    425: "Uwierzytelnienie unieważnione",
    450: "Uwierzytelnianie zakończone niepowodzeniem z powodu błędnego tokenu",
}

SESSION: Mapping[int, str] = {
    100: "Sesja interaktywna otwarta",
    170: "Sesja interaktywna zamknięta",
    200: "Sesja interaktywna przetworzona pomyślnie",
    415: "Błąd odszyfrowania dostarczonego klucza",
    440: "Sesja anulowana",
    445: "Błąd weryfikacji, brak poprawnych faktur",
}

INVOICE: Mapping[int, str] = {
    150: "Trwa przetwarzanie",
    200: "Sukces",
    405: "Przetwarzanie anulowane z powodu błędu sesji",
    410: "Nieprawidłowy zakres uprawnień",
    415: "Brak możliwości wysyłania faktury z załącznikiem",
    430: "Błąd weryfikacji pliku faktury",
    435: "Błąd odszyfrowania pliku",
    440: "Duplikat faktury",
    450: "Błąd weryfikacji semantyki dokumentu faktury",
}

COMMON_SESSION_STATUS: Mapping[int, str] = {
    100: "InProgress",
    170: "InProgress",
    200: "Succeeded",
    415: "Failed",
    440: "Cancelled",
    445: "Failed",
}
"""The four values a session list can be filtered by."""


def status(
    code: int,
    descriptions: Mapping[int, str],
    *,
    details: Sequence[str] = (),
    extensions: Mapping[str, str] | None = None,
) -> dict[str, object]:
    """A status object; empty details and extensions are left out, never null."""
    content: dict[str, object] = {"code": code, "description": descriptions[code]}
    if details:
        content["details"] = list(details)
    if extensions:
        content["extensions"] = dict(extensions)
    return content
