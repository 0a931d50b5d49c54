"""The table of routes against the client's methods: neither knows an operation that the other does not."""

import inspect

from ksef import FA_3, ROUTES, InvoicingMode, KsefContext, SessionKey, SessionType
from tests.support.ksef_script import (
    INVOICE,
    KSEF_NUMBER,
    NOW,
    SESSION,
    Reply,
    invoice_entry,
    ok,
    session_opened,
    stamp,
)

KEY = SessionKey(bytes(32), bytes(16))
LIMITS = {"maxInvoiceSizeInMB": 1, "maxInvoiceWithAttachmentSizeInMB": 3, "maxInvoices": 10000}


def script_everything(server):
    server.will("POST /sessions/online", session_opened())
    server.will(f"POST /sessions/online/{SESSION}/invoices", ok({"referenceNumber": INVOICE}, 202))
    server.will(f"POST /sessions/online/{SESSION}/close", Reply(204))
    server.will(
        f"GET /sessions/{SESSION}",
        ok({"status": {"code": 100}, "dateCreated": stamp(NOW), "dateUpdated": stamp(NOW)}),
    )
    server.will("GET /sessions", ok({"sessions": []}))
    server.will(f"GET /sessions/{SESSION}/invoices", ok({"invoices": []}))
    server.will(f"GET /sessions/{SESSION}/invoices/{INVOICE}", ok(invoice_entry()))
    server.will(f"GET /sessions/{SESSION}/invoices/{INVOICE}/upo", Reply(200, b"<a/>"))
    server.will(f"GET /sessions/{SESSION}/invoices/ksef/{KSEF_NUMBER}/upo", Reply(200, b"<a/>"))
    server.will("GET /limits/context", ok({"onlineSession": LIMITS, "batchSession": LIMITS}))
    server.will("GET /rate-limits", ok({}))


CALLS = {
    "log_in": lambda company: company.log_in(),
    "open_online_session": lambda company: company.open_online_session(form_code=FA_3, key=KEY),
    "send_invoice": lambda company: company.send_invoice(
        SESSION, invoice=KEY.encrypt_invoice(b"<a/>"), mode=InvoicingMode.ONLINE
    ),
    "close_online_session": lambda company: company.close_online_session(SESSION),
    "sessions": lambda company: company.sessions(session_type=SessionType.ONLINE),
    "session_status": lambda company: company.session_status(SESSION),
    "session_invoices": lambda company: company.session_invoices(SESSION),
    "invoice_status": lambda company: company.invoice_status(SESSION, INVOICE),
    "invoice_upo": lambda company: company.invoice_upo(SESSION, INVOICE),
    "upo_by_ksef_number": lambda company: company.upo_by_ksef_number(SESSION, KSEF_NUMBER),
    "context_limits": lambda company: company.context_limits(),
    "rate_limits": lambda company: company.rate_limits(),
}


def test_every_operation_of_a_context_is_called_below():
    operations = {
        name
        for name, member in inspect.getmembers(KsefContext, inspect.iscoroutinefunction)
        if not name.startswith("_")
    }

    assert operations == set(CALLS)


async def test_the_operations_use_every_route_of_the_table_and_no_other(server, company, hooks, clock):
    script_everything(server)

    for call in CALLS.values():
        await call(company)
    clock.advance(minutes=14)
    await company.session_status(SESSION)

    assert set(hooks.routes()) == {route.name for route in ROUTES}
    assert {call.status for call in hooks.finished} <= {200, 201, 202, 204}


def test_names_and_operations_of_the_table_are_unique():
    assert len({route.name for route in ROUTES}) == len(ROUTES)
    assert len({(route.method, route.template) for route in ROUTES}) == len(ROUTES)


def test_what_writes_invoices_or_ends_sessions_is_never_repeated_and_reading_is():
    by_policy = {
        policy: {route.name for route in ROUTES if route.when_lost.value == policy}
        for policy in ("look up", "start over", "repeat")
    }

    assert by_policy["look up"] == {"send_invoice", "close_online_session"}
    assert by_policy["start over"] == {"auth_ksef_token", "auth_redeem", "open_online_session"}
    assert {route.method for route in ROUTES if route.name in by_policy["repeat"]} == {"GET", "POST"}
    assert {
        route.name for route in ROUTES if route.name in by_policy["repeat"] and route.method == "POST"
    } == {
        "auth_challenge",
        "auth_refresh",
    }
