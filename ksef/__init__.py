"""An asynchronous client for KSeF 2.x, the Polish national e-invoicing system (KSeF API 2.9).

    async with KsefClient(
        TEST,
        transport=HttpxTransport(HttpOptions(timeouts=timeouts, user_agent="example/1.0")),
        repeat=RepeatPolicy(attempts=3, first_pause_seconds=0.2),
        clock=lambda: datetime.now(UTC),
    ) as client:
        company = client.context(ContextId(ContextType.NIP, "5265877635"), TokenCredential(token))
        key = SessionKey.generate()
        session = await company.open_online_session(form_code=FA_3, key=key)
        invoice = key.encrypt_invoice(xml)
        reference = await company.send_invoice(session.reference, invoice=invoice, mode=InvoicingMode.ONLINE)
        match (await company.invoice_status(session.reference, reference)).verdict:
            case Accepted(ksef_number=number): ...

Where to read on: ``errors`` (who must act), ``routes`` (what is safe to repeat), ``statuses`` (what a code
means), ``context`` (the operations), ``upo`` (the receipt and its proof).

Nothing here reads settings, the environment of the process or a global clock, and nothing but a hook that you
pass in ever sees what is sent. Secrets show themselves only to ``reveal()``.
"""

from ksef.calls import (
    BeforeCall,
    Failure,
    FinishedCall,
    OnCall,
    PlannedCall,
    RepeatPolicy,
)
from ksef.client import KsefClient
from ksef.context import KsefContext
from ksef.crypto import EncryptedInvoice, SessionKey, self_test
from ksef.environments import DEMO, PRODUCTION, TEST, ContextId, ContextType, Environment
from ksef.errors import (
    AmbiguousResult,
    BrokenContract,
    KsefError,
    OperatorNeeded,
    Problem,
    RateLimited,
    Refused,
    TransientError,
    Unauthorized,
)
from ksef.http import HttpOptions, HttpRequest, HttpResponse, HttpxTransport, Timeouts, Transport
from ksef.limits import ContextLimits, Rate, RateLimits, SessionLimits
from ksef.login import LoginWait
from ksef.public_keys import KeyUsage, PublicKey
from ksef.refusals import ExceptionCode, SendRemedy, remedy_for_send
from ksef.routes import ROUTES, RateGroup, Route, WhenLost
from ksef.secret import TokenCredential
from ksef.sessions import (
    FA_3,
    FormCode,
    InvoiceStatus,
    InvoicingMode,
    OnlineSession,
    SessionStatus,
    SessionStatusGroup,
    SessionType,
)
from ksef.statuses import (
    Accepted,
    Duplicate,
    InvoiceVerdict,
    NotDecrypted,
    NotPermitted,
    Pending,
    Rejected,
    SessionFailed,
    SessionPhase,
    SystemFailed,
)
from ksef.upo import (
    Upo,
    UpoDocument,
    UpoFault,
    UpoFile,
    UpoRefused,
    VerifiedUpo,
    parse_upo,
    verify_upo,
)
from ksef.upo_signature import UpoSignature

__all__ = [
    "DEMO",
    "FA_3",
    "PRODUCTION",
    "ROUTES",
    "TEST",
    "Accepted",
    "AmbiguousResult",
    "BeforeCall",
    "BrokenContract",
    "ContextId",
    "ContextLimits",
    "ContextType",
    "Duplicate",
    "EncryptedInvoice",
    "Environment",
    "ExceptionCode",
    "Failure",
    "FinishedCall",
    "FormCode",
    "HttpOptions",
    "HttpRequest",
    "HttpResponse",
    "HttpxTransport",
    "InvoiceStatus",
    "InvoiceVerdict",
    "InvoicingMode",
    "KeyUsage",
    "KsefClient",
    "KsefContext",
    "KsefError",
    "LoginWait",
    "NotDecrypted",
    "NotPermitted",
    "OnCall",
    "OnlineSession",
    "OperatorNeeded",
    "Pending",
    "PlannedCall",
    "Problem",
    "PublicKey",
    "Rate",
    "RateGroup",
    "RateLimited",
    "RateLimits",
    "Refused",
    "Rejected",
    "RepeatPolicy",
    "Route",
    "SendRemedy",
    "SessionFailed",
    "SessionKey",
    "SessionLimits",
    "SessionPhase",
    "SessionStatus",
    "SessionStatusGroup",
    "SessionType",
    "SystemFailed",
    "Timeouts",
    "TokenCredential",
    "TransientError",
    "Transport",
    "Unauthorized",
    "Upo",
    "UpoDocument",
    "UpoFault",
    "UpoFile",
    "UpoRefused",
    "UpoSignature",
    "VerifiedUpo",
    "WhenLost",
    "parse_upo",
    "remedy_for_send",
    "self_test",
    "verify_upo",
]
