"""Limits as callers see and, on test environments, set them."""

from dataclasses import asdict

from simulator.operations.call import Call
from simulator.protocol.identifiers import Identifier
from simulator.protocol.reading import Fields, read_json
from simulator.rates import PRODUCTION, SETTABLE, Rates, RateTable
from simulator.store.port import Store
from simulator.wire import Response, empty_response, json_response

_INT32_MAX = 2**31 - 1
_MAX_INVOICES_PER_COLLECTIVE_IDENTIFIER = 500
_OPTIONAL = "collectiveIdentifier"
"""Required by API 2.9.0, unknown to 2.6.0 clients: tolerated when absent."""


def effective_rates(context: Identifier, *, store: Store, default: RateTable) -> RateTable:
    """A context's own limits, else the installation's."""
    own = store.rates(context)
    return default if own is None else own


def get_context_limits(call: Call) -> Response:
    policy = call.site.policy
    session = {
        "maxInvoiceSizeInMB": policy.max_invoice_megabytes,
        "maxInvoiceWithAttachmentSizeInMB": policy.max_invoice_with_attachment_megabytes,
        "maxInvoices": policy.max_invoices,
    }
    collective = {"maxInvoices": _MAX_INVOICES_PER_COLLECTIVE_IDENTIFIER}
    content = {"onlineSession": session, "batchSession": session, "collectiveIdentifier": collective}
    return json_response(200, content)


def get_rate_limits(call: Call) -> Response:
    rates = effective_rates(call.caller.context, store=call.store, default=call.site.controls.rates)
    return json_response(200, {group: _written(rate) for group, rate in rates.items()})


def set_rate_limits(call: Call) -> Response:
    wanted = read_json(call.request).fields("rateLimits")
    rates = dict(call.site.controls.rates)
    for group in SETTABLE:
        if group != _OPTIONAL or wanted.has(group):
            rates[group] = _read(wanted.fields(group))
    call.store.put_rates(call.caller.context, rates)
    return empty_response(200)


def reset_rate_limits(call: Call) -> Response:
    call.store.put_rates(call.caller.context, None)
    return empty_response(200)


def set_production_rate_limits(call: Call) -> Response:
    call.store.put_rates(call.caller.context, PRODUCTION)
    return empty_response(200)


def _written(rates: Rates) -> dict[str, int]:
    per_second, per_minute, per_hour = asdict(rates).values()
    return {"perSecond": per_second, "perMinute": per_minute, "perHour": per_hour}


def _read(fields: Fields) -> Rates:
    def limit(name: str) -> int:
        return fields.integer(name, minimum=1, maximum=_INT32_MAX)

    return Rates(per_second=limit("perSecond"), per_minute=limit("perMinute"), per_hour=limit("perHour"))
