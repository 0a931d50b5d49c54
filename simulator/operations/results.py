"""What became of invoices: statuses, lists, receipts (UPO) over the API and over presigned links."""

import re
from collections.abc import Callable, Sequence

from simulator.crypto.files import sha256_base64
from simulator.crypto.links import link_is_good, presigned
from simulator.invoice.judgement import DUPLICATE, duplicate_extensions
from simulator.invoice.receipt import signed_receipt
from simulator.operations.call import Call, check_may_see
from simulator.operations.paging import continuation_token, continued_from
from simulator.operations.sessions import closing_moment, known_session
from simulator.protocol.errors import NO_UPO, BadRequest, invalid_input
from simulator.protocol.reading import Parameters
from simulator.protocol.statuses import INVOICE, status
from simulator.protocol.times import timestamp
from simulator.store.rows import Invoice, Session
from simulator.wire import Response, json_response

ACCEPTED = 200

_PAGE_MAXIMUM = 1000
_KSEF_NUMBER = re.compile(
    r"([1-9]([0-9][1-9]|[1-9][0-9])[0-9]{7})-(20[2-9][0-9]|2[1-9][0-9]{2}|[3-9][0-9]{3})"
    r"(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])-([0-9A-F]{6})-?([0-9A-F]{6})-([0-9A-F]{2})"
)


def get_invoice(call: Call) -> Response:
    return json_response(200, _shown(_known_invoice(call), call))


def list_session_invoices(call: Call) -> Response:
    """By ordinal. A list lag set by the admin port keeps fresh invoices out while the session is open."""
    session = _visible_session(call)
    received_by = None
    lag = call.site.controls.list_lag(session.context)
    if lag and closing_moment(session, now=call.now) is None:
        received_by = call.now - lag

    def page(after: int, limit: int) -> Sequence[Invoice]:
        return call.store.invoices_of(
            session.reference, after_ordinal=after, limit=limit, received_by=received_by
        )

    return _page_of(page, of=f"invoices {session.reference}", call=call)


def list_failed_invoices(call: Call) -> Response:
    session = _visible_session(call)

    def page(after: int, limit: int) -> Sequence[Invoice]:
        return call.store.invoices_of(session.reference, after_ordinal=after, limit=limit, failed_by=call.now)

    return _page_of(page, of=f"failed {session.reference}", call=call)


def get_invoice_upo(call: Call) -> Response:
    invoice = _known_invoice(call)
    if not _accepted(invoice, call):
        raise _no_upo(f"UPO faktury o numerze referencyjnym {invoice.reference} nie zostało znalezione.")
    return _receipt(invoice, call)


def get_upo_by_ksef_number(call: Call) -> Response:
    number = call.path["ksefNumber"]
    if _KSEF_NUMBER.fullmatch(number) is None:
        raise invalid_input("'ksefNumber' must be a KSeF number.")
    session = _visible_session(call)
    invoice = call.store.invoice_with_ksef_number(number)
    if invoice is None or invoice.session != session.reference or not _accepted(invoice, call):
        raise _no_upo(
            f"UPO o numerze KSeF {number} i numerze referencyjnym sesji {session.reference} "
            "nie zostało znalezione."
        )
    return _receipt(invoice, call)


def download_upo(call: Call) -> Response:
    """The presigned link: the signature in the address is the right to read; a bearer token is refused."""
    if call.request.header("authorization") is not None:
        return _storage_error(400, "InvalidAuthenticationInfo")
    good = link_is_good(
        call.request.path,
        dict(call.request.query),
        secret=call.site.keys.link_secret,
        now=call.now,
    )
    if not good:
        return _storage_error(403, "AuthenticationFailed")
    invoice = call.store.invoice_with_ksef_number(call.path["file"].removeprefix("upo_").removesuffix(".xml"))
    if invoice is None:
        return _storage_error(404, "BlobNotFound")
    return _receipt(invoice, call)


def _visible_session(call: Call) -> Session:
    session = known_session(call)
    check_may_see(session, call)
    return session


def _known_invoice(call: Call) -> Invoice:
    session = _visible_session(call)
    reference = call.reference("invoiceReferenceNumber")
    invoice = call.store.invoice(reference)
    if invoice is None or invoice.session != session.reference:
        # KSeF documents no code of its own for this; 21405 is the only one its operations list.
        raise invalid_input(f"Faktura o numerze referencyjnym {reference} nie została znaleziona.")
    return invoice


def _page_of(page: Callable[[int, int], Sequence[Invoice]], *, of: str, call: Call) -> Response:
    size = Parameters(call.request).page_size(maximum=_PAGE_MAXIMUM)
    found = page(continued_from(call.request, of=of) or 0, size + 1)
    content: dict[str, object] = {"invoices": [_shown(invoice, call) for invoice in found[:size]]}
    if len(found) > size:
        content["continuationToken"] = continuation_token(found[size - 1].ordinal, of=of)
    return json_response(200, content)


def _accepted(invoice: Invoice, call: Call) -> bool:
    return invoice.code == ACCEPTED and call.now >= invoice.decided_at


def _shown(invoice: Invoice, call: Call) -> dict[str, object]:
    """An invoice as its status shows it now; a refused one shows its number only when it is a duplicate."""
    content: dict[str, object] = {
        "ordinalNumber": invoice.ordinal,
        "referenceNumber": invoice.reference,
        "invoiceHash": invoice.hash,
        "invoicingDate": timestamp(invoice.received_at),
    }
    if call.now < invoice.decided_at:
        return {**content, "status": status(150, INVOICE)}
    content["status"] = status(
        invoice.code, INVOICE, details=invoice.details, extensions=duplicate_extensions(invoice)
    )
    if invoice.key is not None and invoice.code in (ACCEPTED, DUPLICATE):
        content["invoiceNumber"] = invoice.key.number
    if invoice.code == ACCEPTED:
        content |= _acceptance(invoice, call)
    return content


def _acceptance(invoice: Invoice, call: Call) -> dict[str, object]:
    url, expires = presigned(
        f"/storage/01/{invoice.session.lower()}/invoice-upo/upo_{invoice.ksef_number}.xml",
        origin=call.origin,
        secret=call.site.keys.link_secret,
        now=call.now,
    )
    content: dict[str, object] = {
        "ksefNumber": invoice.ksef_number,
        "acquisitionDate": timestamp(invoice.decided_at),
        "invoicingMode": invoice.mode,
        "upoDownloadUrl": url,
        "upoDownloadUrlExpirationDate": timestamp(expires),
    }
    if call.now >= invoice.stored_at:
        content["permanentStorageDate"] = timestamp(invoice.stored_at)
    return content


def _receipt(invoice: Invoice, call: Call) -> Response:
    """The receipt's bytes, signed at the first call and the same ever after."""
    number = invoice.ksef_number or ""
    content = call.store.receipt(number)
    if content is None:
        session = call.store.session(invoice.session)
        if session is None:
            raise LookupError(f"invoice {invoice.reference} names a session that is not in the store")
        content = signed_receipt(
            invoice,
            session=session,
            receiver=call.site.policy.receiver_name,
            key=call.site.keys.signing,
            now=call.now,
        )
        call.store.keep_receipt(number, content)
    return Response(
        status=200,
        headers=(("content-type", "application/xml"), ("x-ms-meta-hash", sha256_base64(content))),
        body=content,
    )


def _no_upo(detail: str) -> BadRequest:
    return BadRequest(NO_UPO, (detail,))


def _storage_error(code: int, name: str) -> Response:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{name}</Code></Error>'
    return Response(status=code, headers=(("content-type", "application/xml"),), body=body.encode())
