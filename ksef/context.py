"""One context of KSeF: what a company's connector does there.

Invariant: a call is made again only if KSeF provably did not process it (a refused token, a withdrawn public
key) or its route is safe to repeat. Everything else is the caller's decision.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from msgspec.json import Decoder

from ksef import wire
from ksef.answers import read_answer, read_reference, unreadable
from ksef.calls import Caller, Request
from ksef.crypto import EncryptedInvoice, SessionKey
from ksef.environments import ContextId
from ksef.errors import BrokenContract, Refused, Unauthorized
from ksef.http import HttpResponse
from ksef.limits import ContextLimits, RateLimits, context_limits_from, rate_limits_from
from ksef.public_keys import KeyUsage, PublicKey, PublicKeys
from ksef.refusals import ExceptionCode
from ksef.routes import (
    CLOSE_ONLINE_SESSION,
    CONTEXT_LIMITS,
    INVOICE_STATUS,
    INVOICE_UPO,
    OPEN_ONLINE_SESSION,
    RATE_LIMITS,
    SEND_INVOICE,
    SESSION_INVOICES,
    SESSION_STATUS,
    SESSIONS,
    UPO_BY_KSEF_NUMBER,
)
from ksef.sessions import (
    FormCode,
    InvoiceStatus,
    InvoicingMode,
    OnlineSession,
    SessionStatus,
    SessionStatusGroup,
    SessionType,
    invoice_from,
    listed_session_from,
    opening_body,
    sending_body,
    session_from,
    sessions_query,
)
from ksef.timestamps import parse_timestamp
from ksef.tokens import ContextTokens
from ksef.upo import UpoFile

T = TypeVar("T")
V = TypeVar("V")

LIST_PAGE_SIZE = 1000
# More pages than the largest session can have: a server that never ends its list must not hold us.
_MAX_PAGES = 1000
_CONTINUATION = "x-continuation-token"


@dataclass(frozen=True, slots=True)
class _Page(Generic[V]):
    """One page of a list; without a ``continuation`` it is the last."""

    entries: Sequence[V]
    continuation: str | None


class KsefContext:
    """Calls on behalf of one context. Made by ``KsefClient.context``; safe for concurrent use.

    Logging in, refreshing and re-encrypting for a rotated public key happen inside. Every method raises the
    errors of ``ksef.errors``; business answers (rejected, duplicate) are values.
    """

    def __init__(
        self, context: ContextId, *, caller: Caller, keys: PublicKeys, tokens: ContextTokens
    ) -> None:
        self.id = context
        self._caller = caller
        self._keys = keys
        self._tokens = tokens

    async def log_in(self) -> None:
        """Make sure of a valid access token now; calls do this by themselves."""
        await self._tokens.current()

    async def open_online_session(self, *, form_code: FormCode, key: SessionKey) -> OnlineSession:
        """Open a session whose documents are encrypted with ``key``; store the key durably before.

        TransientError after a lost answer: a session may exist that nobody knows; it stays empty, ends by
        itself, and opening another one is right. A key that KSeF cannot decrypt shows only in the session's
        status (KEY_REFUSED), so look at it once before sending a backlog.
        """
        public_key = await self._keys.current(KeyUsage.SYMMETRIC_KEY)
        try:
            return await self._open(form_code, key, public_key)
        except Refused as err:
            if ExceptionCode.PUBLIC_KEY_WITHDRAWN not in err.codes:
                raise
        newer = await self._keys.replacement(KeyUsage.SYMMETRIC_KEY, withdrawn=public_key)
        return await self._open(form_code, key, newer)

    async def _open(self, form_code: FormCode, key: SessionKey, public_key: PublicKey) -> OnlineSession:
        body = opening_body(form_code, key=key, public_key=public_key)
        request = Request(OPEN_ONLINE_SESSION, body=body)
        response = await self._call(request)
        answer = read_answer(OPEN_ONLINE_SESSION, response, wire.SESSION_OPENED)
        reference = read_reference(OPEN_ONLINE_SESSION, response, answer.reference_number)
        try:
            return OnlineSession(reference, parse_timestamp(answer.valid_until))
        except ValueError as err:
            raise unreadable(OPEN_ONLINE_SESSION, response, str(err)) from err

    async def send_invoice(
        self, session_reference: str, *, invoice: EncryptedInvoice, mode: InvoicingMode
    ) -> str:
        """Send one invoice and return its reference in the session. 202 means queued, not accepted.

        AmbiguousResult: look for ``invoice.invoice_hash`` in the session's list; its absence proves something
        only once the session is closed and final. Any other error proves that the invoice was not processed:
        Refused, see ``remedy_for_send``; RateLimited and TransientError, wait; OperatorNeeded, stop.
        """
        request = Request(SEND_INVOICE, (session_reference,), body=sending_body(invoice, mode=mode))
        response = await self._call(request)
        answer = read_answer(SEND_INVOICE, response, wire.INVOICE_TAKEN)
        return read_reference(SEND_INVOICE, response, answer.reference_number)

    async def close_online_session(self, session_reference: str) -> None:
        """Close a session; its invoices go on being processed. Call it after every send was answered.

        AmbiguousResult, and Refused with SESSION_STATE (closed already), are settled by ``session_status``.
        """
        response = await self._call(Request(CLOSE_ONLINE_SESSION, (session_reference,)))
        if response.body:
            # Only a gateway has something to say here.
            raise unreadable(CLOSE_ONLINE_SESSION, response, "an answer without a body was expected")

    async def session_status(self, session_reference: str) -> SessionStatus:
        """How a session stands."""
        request = Request(SESSION_STATUS, (session_reference,))
        return await self._read(request, wire.SESSION, lambda answer: session_from(session_reference, answer))

    async def sessions(
        self,
        *,
        session_type: SessionType,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        modified_from: datetime | None = None,
        modified_to: datetime | None = None,
        statuses: Collection[SessionStatusGroup] = (),
    ) -> tuple[SessionStatus, ...]:
        """The sessions of this context that the caller may see, newest first, over all pages.

        With InvoiceWrite alone these are the caller's own, with Introspection everybody's. KSeF keeps finer
        times than a bound can say, and does not say whether bounds are inclusive: ask for a little more than
        is needed. Complete or an error, never a part; a session opened meanwhile may be missing. Each page is
        a call of a group with 60 an hour. Raises ValueError for a bound without an offset.
        """
        query = sessions_query(
            session_type,
            page_size=LIST_PAGE_SIZE,
            statuses=statuses,
            dateCreatedFrom=created_from,
            dateCreatedTo=created_to,
            dateModifiedFrom=modified_from,
            dateModifiedTo=modified_to,
        )
        return await self._every_page(
            Request(SESSIONS, query=query),
            wire.SESSIONS,
            lambda answer: _Page(
                [listed_session_from(entry) for entry in answer.sessions], answer.continuation_token
            ),
        )

    async def session_invoices(self, session_reference: str) -> tuple[InvoiceStatus, ...]:
        """All invoices of a session, in order of arrival, over as many pages as it takes.

        Complete or an error, never a part. In a session that is not final, an invoice just taken may not be
        listed yet.
        """
        query = f"?pageSize={LIST_PAGE_SIZE}"
        return await self._every_page(
            Request(SESSION_INVOICES, (session_reference,), query=query),
            wire.SESSION_INVOICES,
            lambda answer: _Page(
                [invoice_from(entry) for entry in answer.invoices], answer.continuation_token
            ),
        )

    async def invoice_status(self, session_reference: str, invoice_reference: str) -> InvoiceStatus:
        """How one invoice stands. For more than a few, ``session_invoices`` costs fewer calls."""
        request = Request(INVOICE_STATUS, (session_reference, invoice_reference))
        return await self._read(request, wire.SESSION_INVOICE, invoice_from)

    async def invoice_upo(self, session_reference: str, invoice_reference: str) -> UpoFile:
        """The receipt of an accepted invoice; Refused with NO_UPO if there is none (yet)."""
        return _upo(await self._call(Request(INVOICE_UPO, (session_reference, invoice_reference))))

    async def upo_by_ksef_number(self, session_reference: str, ksef_number: str) -> UpoFile:
        """The same receipt, by the number that KSeF gave the invoice."""
        return _upo(await self._call(Request(UPO_BY_KSEF_NUMBER, (session_reference, ksef_number))))

    async def context_limits(self) -> ContextLimits:
        """Sizes and counts that hold for this context now."""
        return await self._read(Request(CONTEXT_LIMITS), wire.CONTEXT_LIMITS, context_limits_from)

    async def rate_limits(self) -> RateLimits:
        """Request rates that hold for this context now, by group."""
        return await self._read(Request(RATE_LIMITS), wire.RATE_LIMITS, rate_limits_from)

    async def _every_page(
        self, request: Request, decoder: Decoder[T], page_from: Callable[[T], _Page[V]]
    ) -> tuple[V, ...]:
        """What all pages of a list hold; the request of each page differs in the continuation token only."""
        found: list[V] = []
        tokens: set[str] = set()
        this = request
        for _ in range(_MAX_PAGES):
            page = await self._read(this, decoder, page_from)
            found += page.entries
            if not page.continuation:
                return tuple(found)
            if page.continuation in tokens:
                break
            tokens.add(page.continuation)
            this = replace(request, headers=((_CONTINUATION, page.continuation),))
        path = request.route.path(*request.path_values)
        raise BrokenContract(
            f"{path}: the list does not end (page {len(tokens) + 1})", route=request.route.name
        )

    async def _read(self, request: Request, decoder: Decoder[T], value_from: Callable[[T], V]) -> V:
        response = await self._call(request)
        answer = read_answer(request.route, response, decoder)
        try:
            return value_from(answer)
        except ValueError as err:
            raise unreadable(request.route, response, str(err)) from err

    async def _call(self, request: Request) -> HttpResponse:
        """Call with an access token; if it is refused, once more after a refresh, once more after a login."""
        bearer = await self._tokens.current()
        for renewed in (self._tokens.after_refresh, self._tokens.after_login):
            try:
                return await self._caller.call(request, context=self.id, bearer=bearer)
            except Unauthorized:
                bearer = await renewed(bearer)
        return await self._caller.call(request, context=self.id, bearer=bearer)


def _upo(response: HttpResponse) -> UpoFile:
    return UpoFile(response.body, response.headers.get("x-ms-meta-hash") or None)
