"""Companies, tokens, sessions, invoices and the acceptance log, as the admin port gives and takes them."""

from dataclasses import replace

import msgspec

from simulator.acceptance import log_lines
from simulator.admin.call import AdminCall
from simulator.credentials import PERMISSIONS, mint_token
from simulator.operations.sessions import state_at
from simulator.protocol.errors import NotFound, invalid_input
from simulator.protocol.identifiers import Identifier
from simulator.protocol.reading import choice, parse_object
from simulator.protocol.times import timestamp
from simulator.seed import NIP, SeedError, apply_seed, read_company, read_subject
from simulator.store.rows import Company, Invoice, Session
from simulator.wire import Response, empty_response, json_response

_DEFAULT_PERMISSIONS = ("InvoiceRead", "InvoiceWrite")


def summary(call: AdminCall) -> Response:
    content = {
        "profile": call.site.policy.profile.value,
        "openWorld": call.site.policy.open_world,
        "companies": len(call.store.companies()),
        "invoices": call.store.last_seq(),
        "faults": len(call.site.controls.faults.armed()),
    }
    return json_response(200, content)


def list_companies(call: AdminCall) -> Response:
    companies = [{"nip": company.nip, "name": company.name} for company in call.store.companies()]
    return json_response(200, {"companies": companies})


def put_company(call: AdminCall) -> Response:
    """Add or change a company; the body is an entry of a seed file."""
    try:
        seeded = read_company(msgspec.json.decode(call.request.body or b"null"), where="company")
    except (SeedError, msgspec.DecodeError) as error:
        raise invalid_input(str(error)) from error
    apply_seed((seeded,), call.store)
    return json_response(201, {"nip": seeded.company.nip, "name": seeded.company.name})


def create_token(call: AdminCall) -> Response:
    """Mint a KSeF token for a NIP; the answer is the only place where its text is ever seen."""
    fields = parse_object(call.request.body)
    nip = fields.text("nip")
    if NIP.fullmatch(nip) is None:
        raise invalid_input("'nip' must be ten digits of a NIP.")
    _check_company(nip, call)
    context = Identifier("Nip", nip)
    subject = context
    if fields.has("subject"):
        given = fields.fields("subject")
        entry = {"type": given.text("type"), "value": given.text("value")}
        try:
            subject = read_subject(entry, where="subject")
        except SeedError as error:
            raise invalid_input(str(error)) from error
    permissions = tuple(
        choice(name, PERMISSIONS, where="permissions") for name in fields.names("permissions")
    )
    token, text = mint_token(
        context,
        subject=subject,
        permissions=permissions or _DEFAULT_PERMISSIONS,
        now=call.now,
        rng=call.rng,
    )
    with call.store.transaction():
        call.store.put_token(token)
    return json_response(201, {"referenceNumber": token.reference, "token": text})


def _check_company(nip: str, call: AdminCall) -> None:
    if call.store.company(nip) is not None:
        return
    if not call.site.policy.open_world:
        detail = f"No company {nip}: name it in the seed, add it first, or start with --open-world."
        raise NotFound(detail)
    with call.store.transaction():
        call.store.put_company(Company(nip=nip, name=nip))


def revoke_token(call: AdminCall) -> Response:
    token = call.store.token(call.path["reference"])
    if token is None:
        raise NotFound(f"No token {call.path['reference'][:36]}.")
    with call.store.transaction():
        call.store.put_token(replace(token, revoked_at=token.revoked_at or call.now))
    return empty_response(204)


def list_sessions(call: AdminCall) -> Response:
    """Newest first; ``nip`` chooses a context."""
    nip = call.parameter("nip")
    context = None if nip is None else Identifier("Nip", nip)
    sessions = call.store.sessions(context=context, before_seq=None, limit=call.limit())
    return json_response(200, {"sessions": [_session(session, call) for session in sessions]})


def _session(session: Session, call: AdminCall) -> dict[str, object]:
    tally = call.store.tally(session.reference, now=call.now)
    return {
        "referenceNumber": session.reference,
        "context": session.context.value,
        "subject": session.subject.value,
        "status": state_at(session, tally, now=call.now).code,
        "openedAt": timestamp(session.opened_at),
        "validUntil": timestamp(session.valid_until),
        "invoices": tally.total,
        "accepted": tally.accepted,
        "failed": tally.failed,
    }


def list_invoices(call: AdminCall) -> Response:
    """In order of arrival, after ``seq``; ``session`` chooses one session (then ``after`` is an ordinal)."""
    session = call.parameter("session")
    if session is None:
        found = call.store.invoices_after(call.after(), limit=call.limit())
    else:
        found = call.store.invoices_of(session, after_ordinal=call.after(), limit=call.limit())
    return json_response(200, {"invoices": [_invoice(invoice) for invoice in found]})


def _invoice(invoice: Invoice) -> dict[str, object]:
    key = invoice.key
    return {
        "seq": invoice.seq,
        "context": invoice.context.value,
        "session": invoice.session,
        "ordinal": invoice.ordinal,
        "referenceNumber": invoice.reference,
        "hash": invoice.hash,
        "size": invoice.size,
        "receivedAt": timestamp(invoice.received_at),
        "decidedAt": timestamp(invoice.decided_at),
        "verdict": invoice.code,
        "details": list(invoice.details),
        "sellerNip": None if key is None else key.seller_nip,
        "kind": None if key is None else key.kind,
        "number": None if key is None else key.number,
        "ksefNumber": invoice.ksef_number,
        "mode": invoice.mode,
    }


def read_acceptance(call: AdminCall) -> Response:
    """The acceptance log as JSON lines, after ``seq``: the same entries as in the file."""
    invoices = call.store.invoices_after(call.after(), limit=call.limit())
    return Response(
        status=200,
        headers=(("content-type", "application/x-ndjson"),),
        body=log_lines(invoices),
    )
