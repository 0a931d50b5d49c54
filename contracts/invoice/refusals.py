"""How each refusal of ``invoice/1`` is told: pydantic's error type → code, sentence, next step.

Invariant: the codes are stable; every error type that the model raises by itself has an entry.
"""

from typing import Final, NamedTuple

from contracts.invoice.payment import METHOD_CODES
from contracts.invoice.rates import RATE_CODES
from contracts.wording import Wording


class Refusal(NamedTuple):
    code: str
    says: Wording
    """A predicate about the field; names of the error's context in braces."""
    next_step: Wording
    allowed: tuple[str, ...] = ()


REFUSALS: Final[dict[str, Refusal]] = {
    "extra_forbidden": Refusal(
        "C10",
        Wording("is no field of invoice/1", "nie jest polem modelu invoice/1"),
        Wording("Remove the field or correct its name.", "Usuń pole albo popraw jego nazwę."),
    ),
    "string_unicode": Refusal(
        "C10",
        Wording("has a name that is no text", "ma nazwę, która nie jest tekstem"),
        Wording("Write names of fields as the model has them.", "Zapisz nazwy pól tak, jak ma je model."),
    ),
    "missing": Refusal(
        "C11", Wording("is missing", "nie zostało podane"), Wording("Add the field.", "Dodaj to pole.")
    ),
    "blank": Refusal("C11", Wording("is blank", "jest puste"), Wording("Give it a value.", "Podaj wartość.")),
    "model_type": Refusal(
        "C12",
        Wording("is not an object", "nie jest obiektem"),
        Wording("Write an object in braces.", "Zapisz obiekt w nawiasach klamrowych."),
    ),
    "tuple_type": Refusal(
        "C12",
        Wording("is not a list", "nie jest listą"),
        Wording("Write a list in brackets.", "Zapisz listę w nawiasach kwadratowych."),
    ),
    "text": Refusal(
        "C12",
        Wording("is not a text", "nie jest tekstem"),
        Wording("Write a text in quotation marks.", "Zapisz tekst w cudzysłowie."),
    ),
    "bool_type": Refusal(
        "C12",
        Wording("is neither true nor false", "nie ma wartości true ani false"),
        Wording("Write true or false, without quotation marks.", "Zapisz true lub false, bez cudzysłowu."),
    ),
    "text_length": Refusal(
        "C13",
        Wording(
            "has {length} characters, at most {longest} fit",
            "ma znaków: {length}, a mieści się najwyżej {longest}",
        ),
        Wording("Shorten the text.", "Skróć tekst."),
    ),
    "too_many": Refusal(
        "C14",
        Wording(
            "has {count} entries, at most {most} fit", "ma pozycji: {count}, a mieści się najwyżej {most}"
        ),
        Wording("Split the document.", "Podziel dokument."),
    ),
    "too_short": Refusal(
        "C14",
        Wording(
            "has {actual_length} entries, at least {min_length} are due",
            "ma pozycji: {actual_length}, a wymagane jest co najmniej {min_length}",
        ),
        Wording("Add what is missing.", "Dodaj to, czego brakuje."),
    ),
    "literal_error": Refusal(
        "C15",
        Wording("is not one of {expected}", "nie jest żadną z wartości: {expected_pl}"),
        Wording("Use one of the allowed values.", "Użyj jednej z dozwolonych wartości."),
    ),
    "rate": Refusal(
        "C15",
        Wording("is not a rate code", "nie jest kodem stawki"),
        Wording(
            "Use a rate code of FA(3); a plain 0 can mean any of five.",
            "Użyj kodu stawki z FA(3); samo 0 może oznaczać każdy z pięciu.",
        ),
        allowed=RATE_CODES,
    ),
    "method": Refusal(
        "C15",
        Wording("is not a payment method", "nie jest formą płatności"),
        Wording(
            'Use a code, or {"other": "…"} for a method in words.',
            'Użyj kodu albo {"other": "…"} dla formy opisanej słowami.',
        ),
        allowed=METHOD_CODES,
    ),
    "amount": Refusal(
        "C16",
        Wording("is not a number", "nie jest liczbą"),
        Wording(
            "Write a number, or its digits in quotation marks.", "Zapisz liczbę albo jej cyfry w cudzysłowie."
        ),
    ),
    "amount_infinite": Refusal(
        "C16",
        Wording("is not a finite number", "nie jest liczbą skończoną"),
        Wording(
            "Write a number, or its digits in quotation marks.", "Zapisz liczbę albo jej cyfry w cudzysłowie."
        ),
    ),
    "amount_form": Refusal(
        "C16",
        Wording(
            "is not written in digits with a decimal point", "nie jest zapisane cyframi z kropką dziesiętną"
        ),
        Wording(
            "Write digits and a decimal point, nothing else: 1234.56.",
            "Zapisz same cyfry i kropkę dziesiętną: 1234.56.",
        ),
    ),
    "amount_whole": Refusal(
        "C16",
        Wording("has more than {whole} digits before the point", "ma przed kropką więcej cyfr niż {whole}"),
        Wording(
            "Round where the amount is made, or choose a larger unit.",
            "Zaokrąglij tam, gdzie kwota powstaje, albo wybierz większą jednostkę.",
        ),
    ),
    "amount_places": Refusal(
        "C16",
        Wording("has more than {places} decimals", "ma po kropce więcej cyfr niż {places}"),
        Wording(
            "Round where the amount is made, or choose a larger unit.",
            "Zaokrąglij tam, gdzie kwota powstaje, albo wybierz większą jednostkę.",
        ),
    ),
    "whole": Refusal(
        "C16",
        Wording("is not a whole number", "nie jest liczbą całkowitą"),
        Wording("Write a whole number.", "Zapisz liczbę całkowitą."),
    ),
    "range": Refusal(
        "C16",
        Wording("is not between {least} and {most}", "nie mieści się między {least} a {most}"),
        Wording("Use a number within the range.", "Użyj liczby z tego zakresu."),
    ),
    "day": Refusal(
        "C17",
        Wording("is not a day", "nie jest datą"),
        Wording("Write the day as YYYY-MM-DD, without a time.", "Zapisz datę jako RRRR-MM-DD, bez godziny."),
    ),
    "day_unknown": Refusal(
        "C17",
        Wording("is not in the calendar", "nie istnieje w kalendarzu"),
        Wording("Correct the day.", "Popraw datę."),
    ),
    "point": Refusal(
        "C17",
        Wording("is not a point in time with an offset", "nie jest chwilą z przesunięciem strefy"),
        Wording(
            "Write it with its offset: 2026-11-20T09:15:00+01:00.",
            "Zapisz ją z przesunięciem: 2026-11-20T09:15:00+01:00.",
        ),
    ),
    "text_form": Refusal(
        "C18",
        Wording("is not {form}", "ma inną postać niż {form_pl}"),
        Wording("Correct the value.", "Popraw wartość."),
    ),
    "character": Refusal(
        "C19",
        Wording("holds the character {code}", "zawiera znak {code}"),
        Wording(
            "Remove the character where the text is made; XML or KSeF refuses it.",
            "Usuń ten znak tam, gdzie tekst powstaje; nie przyjmuje go XML albo KSeF.",
        ),
    ),
    "exclusive": Refusal(
        "C20",
        Wording("has {given} together", "ma jednocześnie: {given_pl}"),
        Wording("Keep one of them.", "Zostaw jedno z nich."),
    ),
    "one_of": Refusal(
        "C20",
        Wording("has none of {fields}", "nie ma żadnego z pól: {fields}"),
        Wording("Give exactly one of them.", "Podaj dokładnie jedno z nich."),
    ),
    "incomplete": Refusal(
        "C20",
        Wording("has {given} without {missing}", "ma {given_pl}, lecz brakuje: {missing_pl}"),
        Wording("Give them together or not at all.", "Podaj je razem albo wcale."),
    ),
}
UNFORESEEN: Final = Refusal(
    "C12",
    Wording("cannot be read", "nie daje się odczytać"),
    Wording("Compare the field with the schema of invoice/1.", "Porównaj pole ze schematem invoice/1."),
)
