"""The refusals of the API, and the texts of its exception codes.

    Refusal
    ├── BadRequest         400 with one exception code
    ├── Unauthorized       401
    ├── Forbidden          403 with a reason code
    ├── NotFound           404, a route that does not exist
    ├── MethodNotAllowed   405
    ├── Gone               410, past its retention
    └── TooManyRequests    429 with Retry-After

Handlers raise them before their first write; `protocol.problems` writes them in the format the caller asked
for. Codes and Polish texts: KSeF API 2.9.0, response tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from simulator.wire import Headers

ForbiddenReason = Literal["missing-permissions", "ip-not-allowed", "insufficient-resource-access"]

UNREADABLE_CONTENT = 21001
BAD_CHALLENGE = 21111
SESSION_IS_FULL = 21155
CORRECTION_ALREADY_ACCEPTED = 21166
CORRECTED_WAS_ACCEPTED = 21167
UNKNOWN_SESSION = 21173
NO_UPO = 21178
SESSION_STATE_FORBIDS = 21180
NOT_AUTHORISED = 21301
UNKNOWN_LOGIN = 21304
WRONG_FILE_SIZE = 21402
WRONG_FILE_HASH = 21403
INVALID_INPUT = 21405
BAD_CONTINUATION = 21418
UNKNOWN_PUBLIC_KEY = 21470

DESCRIPTIONS: Mapping[int, str] = {
    UNREADABLE_CONTENT: "Nieczytelna treść.",
    BAD_CHALLENGE: "Nieprawidłowe wyzwanie autoryzacyjne.",
    SESSION_IS_FULL: "Przekroczono dozwoloną liczbę faktur w sesji.",
    CORRECTION_ALREADY_ACCEPTED: "Korekta techniczna niedostępna.",
    CORRECTED_WAS_ACCEPTED: "Status faktury nie pozwala na korektę techniczną.",
    UNKNOWN_SESSION: "Brak sesji o wskazanym numerze referencyjnym.",
    NO_UPO: "Nie znaleziono UPO dla podanych kryteriów.",
    SESSION_STATE_FORBIDS: "Status sesji nie pozwala na wykonanie operacji.",
    NOT_AUTHORISED: "Brak autoryzacji.",
    UNKNOWN_LOGIN: "Brak uwierzytelnienia.",
    WRONG_FILE_SIZE: "Nieprawidłowy rozmiar pliku.",
    WRONG_FILE_HASH: "Nieprawidłowy skrót pliku.",
    INVALID_INPUT: "Błąd walidacji danych wejściowych.",
    BAD_CONTINUATION: "Przekazany token kontynuacji ma nieprawidłowy format.",
    UNKNOWN_PUBLIC_KEY: "Przesłany identyfikator klucza jest nieznany lub wskazuje na wycofany klucz.",
}


class Refusal(Exception):
    """The call is answered with an error; nothing has been written.

    Not frozen: Python itself assigns the traceback of an exception that passes a context manager.
    """

    status: ClassVar[int]
    title: ClassVar[str]
    detail: str

    def members(self) -> Mapping[str, object]:
        """What its problem details say beyond the common members."""
        return {}

    def headers(self) -> Headers:
        return ()


@dataclass(eq=False)
class BadRequest(Refusal):
    status = 400
    title = "Bad Request"

    code: int
    details: tuple[str, ...] = ()
    detail: str = "Żądanie jest nieprawidłowe."

    @property
    def description(self) -> str:
        return DESCRIPTIONS[self.code]

    def members(self) -> Mapping[str, object]:
        error: dict[str, object] = {"code": self.code, "description": self.description}
        if self.details:
            error["details"] = list(self.details)
        return {"errors": [error]}


@dataclass(eq=False)
class Unauthorized(Refusal):
    status = 401
    title = "Unauthorized"

    detail: str = "Wymagane jest uwierzytelnienie."


@dataclass(eq=False)
class Forbidden(Refusal):
    status = 403
    title = "Forbidden"

    reason: ForbiddenReason
    detail: str
    security: Mapping[str, object] = field(default_factory=dict)

    def members(self) -> Mapping[str, object]:
        return {"reasonCode": self.reason, "security": dict(self.security)}


@dataclass(eq=False)
class NotFound(Refusal):
    status = 404
    title = "Not Found"

    detail: str = "The route does not exist."


@dataclass(eq=False)
class MethodNotAllowed(Refusal):
    status = 405
    title = "Method Not Allowed"

    allowed: tuple[str, ...]
    detail: str = "The method is not allowed here."

    def headers(self) -> Headers:
        return (("allow", ", ".join(self.allowed)),)


@dataclass(eq=False)
class Gone(Refusal):
    status = 410
    title = "Gone"

    detail: str


@dataclass(eq=False)
class TooManyRequests(Refusal):
    status = 429
    title = "Too Many Requests"

    detail: str
    retry_after_seconds: int

    def headers(self) -> Headers:
        return (("retry-after", str(self.retry_after_seconds)),)


def invalid_input(detail: str) -> BadRequest:
    return BadRequest(INVALID_INPUT, (detail,))


def unreadable(detail: str) -> BadRequest:
    return BadRequest(UNREADABLE_CONTENT, (detail,))


def not_your_resource() -> Forbidden:
    return Forbidden("insufficient-resource-access", "Brak dostępu do wskazanego zasobu.")
