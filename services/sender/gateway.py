"""The port to KSeF: our words for what may happen, and the lease asked before every single request.

Invariant: a request leaves this process only while its context's lease surely outlives it. Logging in and
refreshing happen inside the client, so the question is put in its ``before_call`` hook, not before ours.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import ksef
from runtime import clock, log
from runtime.config import ConfigCache
from runtime.due import Holder
from runtime.errors import OperatorNeeded, Transient
from runtime.secrets import resolve
from runtime.settings import HttpSettings
from services.sender import metrics
from services.sender.settings import CALL_MARGIN, SenderSettings

logger = log.get(__name__)

_holder: ContextVar[Holder] = ContextVar("holder")


class Limited(Transient):
    """KSeF's limit for a group of calls is used up for so long; nothing was processed."""

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Taken:
    """KSeF has it; the verdict comes later."""

    reference: str


@dataclass(frozen=True, slots=True)
class NotProcessed:
    """KSeF surely did not process it. ``remedy`` says what makes the next try work."""

    remedy: ksef.SendRemedy
    reason: str


@dataclass(frozen=True, slots=True)
class AnswerLost:
    """KSeF may have it."""

    reason: str


Sent: TypeAlias = Taken | NotProcessed | AnswerLost


class Gateway:
    """One context's calls, with our errors: Transient, Limited, OperatorNeeded; anything else is a defect."""

    def __init__(self, context: ksef.KsefContext) -> None:
        self._context = context

    async def open_session(self, key: ksef.SessionKey) -> ksef.OnlineSession:
        with _translated():
            return await self._context.open_online_session(form_code=ksef.FA_3, key=key)

    async def send(self, session_reference: str, invoice: ksef.EncryptedInvoice) -> Sent:
        """Post one invoice. Raises Limited and OperatorNeeded, which prove that it was not processed."""
        try:
            with _translated():
                reference = await self._context.send_invoice(
                    session_reference, invoice=invoice, mode=ksef.InvoicingMode.ONLINE
                )
        except ksef.AmbiguousResult as error:
            return AnswerLost(str(error))
        except ksef.Refused as error:
            return NotProcessed(ksef.remedy_for_send(error), str(error))
        except Limited:
            raise
        except Transient as error:
            return NotProcessed(ksef.SendRemedy.WAIT, str(error))
        return Taken(reference)

    async def close_session(self, session_reference: str) -> None:
        """Close it; closed already, or an answer lost, is settled by the session's status."""
        try:
            with _translated():
                await self._context.close_online_session(session_reference)
        except ksef.AmbiguousResult as error:
            raise Transient(str(error)) from error
        except ksef.Refused as error:
            if ksef.ExceptionCode.SESSION_STATE not in error.codes:
                raise Transient(str(error)) from error

    async def session_status(self, session_reference: str) -> ksef.SessionStatus:
        with _translated():
            return await self._context.session_status(session_reference)

    async def sessions(
        self, kind: ksef.SessionType, *, created_from: datetime
    ) -> tuple[ksef.SessionStatus, ...]:
        """All sessions of the context that were opened since then, whoever opened them."""
        with _translated():
            return await self._context.sessions(session_type=kind, created_from=created_from)

    async def session_invoices(self, session_reference: str) -> tuple[ksef.InvoiceStatus, ...]:
        with _translated():
            return await self._context.session_invoices(session_reference)

    async def invoice_status(self, session_reference: str, invoice_reference: str) -> ksef.InvoiceStatus:
        with _translated():
            return await self._context.invoice_status(session_reference, invoice_reference)

    async def upo_by_number(self, session_reference: str, ksef_number: str) -> ksef.UpoFile | None:
        """The receipt, or None while there is none."""
        try:
            with _translated():
                return await self._context.upo_by_ksef_number(session_reference, ksef_number)
        except ksef.Refused as error:
            if ksef.ExceptionCode.NO_UPO in error.codes:
                return None
            raise


class Gateways:
    """A gateway per context, with credentials from the configuration; kept while those stay the same."""

    def __init__(self, client: ksef.KsefClient, config: ConfigCache) -> None:
        self._client = client
        self._config = config
        self._known: dict[str, tuple[str, Gateway]] = {}

    def of(self, key: str) -> Gateway:
        """The gateway of a context key (``Nip:5265877635``). Raises OperatorNeeded without a credential."""
        type_, _, value = key.partition(":")
        for company in self._config.current.companies.values():
            if (company.context.type, company.context.value) == (type_, value):
                reference = company.context.credential.token
                break
        else:
            raise OperatorNeeded(f"no company in the configuration has the KSeF context {key}")
        known = self._known.get(key)
        if known is not None and known[0] == reference:
            return known[1]
        credential = ksef.TokenCredential(resolve(reference).get_secret_value())
        context_id = ksef.ContextId(ksef.ContextType(type_), value)
        gateway = Gateway(self._client.context(context_id, credential))
        self._known[key] = (reference, gateway)
        return gateway


@contextmanager
def acting_for(holder: Holder) -> Iterator[None]:
    """All calls inside are made under this lease."""
    token = _holder.set(holder)
    try:
        yield
    finally:
        _holder.reset(token)


@asynccontextmanager
async def open_client(settings: SenderSettings) -> AsyncIterator[ksef.KsefClient]:
    """The client of the installation's KSeF environment."""
    seconds = settings.api.total_seconds

    async def before_call(_call: ksef.PlannedCall) -> None:
        _holder.get().require(seconds * CALL_MARGIN)

    client = ksef.KsefClient(
        environment_of(settings),
        transport=ksef.HttpxTransport(http_options(settings, settings.http)),
        # Repeats of reads: short ones here, longer waits are the due work's.
        repeat=ksef.RepeatPolicy(attempts=2, first_pause_seconds=0.2),
        clock=clock.now,
        before_call=before_call,
        on_call=_observe,
    )
    async with client:
        yield client


def environment_of(settings: SenderSettings) -> ksef.Environment:
    """Which KSeF, at which address."""
    published = {"test": ksef.TEST, "demo": ksef.DEMO, "production": ksef.PRODUCTION}[settings.environment]
    if settings.api.base_url is None:
        return published
    return ksef.Environment(settings.environment, str(settings.api.base_url).rstrip("/"))


def http_options(settings: SenderSettings, http: HttpSettings) -> ksef.HttpOptions:
    """How to reach it from here."""
    seconds = settings.api.total_seconds
    return ksef.HttpOptions(
        timeouts=ksef.Timeouts(
            connect_seconds=settings.api.connect_seconds,
            write_seconds=seconds,
            read_seconds=seconds,
            total_seconds=seconds,
        ),
        user_agent="ksef-courier",
        proxy=None if http.proxy is None else http.proxy.get_secret_value(),
        ca_bundle=http.ca_file,
        max_connections=settings.sender.concurrency,
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ksef.RateLimited as error:
        raise Limited(str(error), seconds=error.retry_after_seconds) from error
    except ksef.TransientError as error:
        raise Transient(str(error)) from error
    except ksef.OperatorNeeded as error:
        raise OperatorNeeded(f"{error.reason_code}: {error}") from error


def _observe(call: ksef.FinishedCall) -> None:
    if call.status is None:
        outcome = "not-sent" if call.failure is ksef.Failure.NOT_SENT else "lost"
    else:
        outcome = "429" if call.status == 429 else f"{call.status // 100}xx"
    metrics.CALL_SECONDS.labels(call.route, outcome).observe(call.seconds)
    if call.warning:
        logger.warning("ksef_warning", route=call.route, warning=call.warning)
