"""What can be changed while the simulator runs: delays, limits, the lag of lists, faults.

None of it outlives the process; a restart returns to the command line.
"""

from dataclasses import asdict
from datetime import timedelta

from simulator.admin.call import AdminCall
from simulator.faults import (
    ANY_OPERATION,
    AnswerAfter,
    AnswerInstead,
    DelayAnswer,
    Effect,
    Fault,
    LoseAnswer,
    gateway_page,
)
from simulator.operations.table import OPERATIONS
from simulator.protocol.errors import NotFound, invalid_input
from simulator.protocol.reading import Fields, choice, parse_object
from simulator.rates import rates_named
from simulator.wire import Headers, Response, empty_response, json_response

_EFFECTS = ("lose_answer", "answer_instead", "answer_after", "delay_answer")
_OPERATION_NAMES = (ANY_OPERATION, *(operation.name for operation in OPERATIONS))
_DAY_SECONDS = 86_400
_MANY = 10**9


def get_delays(call: AdminCall) -> Response:
    delays = asdict(call.site.controls.delays)
    return json_response(200, {name: [span["least"], span["most"]] for name, span in delays.items()})


def set_delays(call: AdminCall) -> Response:
    """``{"verdict": [least, most], …}`` in seconds; names left out keep theirs."""
    fields = parse_object(call.request.body)
    try:
        spans = {name: _span(name, value) for name, value in fields.items()}
        call.site.controls.delays = call.site.controls.delays.changed(spans)
    except ValueError as error:
        raise invalid_input(str(error)) from error
    return get_delays(call)


def set_limits(call: AdminCall) -> Response:
    """``{"limits": "production" | "off" | "10"}``; a context's own limits stay above these."""
    try:
        call.site.controls.rates = rates_named(parse_object(call.request.body).text("limits"))
    except ValueError as error:
        raise invalid_input(str(error)) from error
    return empty_response(204)


def set_list_lag(call: AdminCall) -> Response:
    """Keep invoices out of the lists of open sessions for ``seconds``; of one ``nip``, or of all."""
    fields = parse_object(call.request.body)
    seconds = fields.number("seconds", minimum=0, maximum=_DAY_SECONDS)
    nip = fields.text("nip") if fields.has("nip") else None
    call.site.controls.list_lags[nip] = timedelta(seconds=seconds)
    return empty_response(204)


def arm_fault(call: AdminCall) -> Response:
    """Order a fault: ``operation``, ``effect``; optional ``nip``, ``after``, ``times`` (0: for good)."""
    fields = parse_object(call.request.body)
    times = fields.integer("times", minimum=0, maximum=_MANY) if fields.has("times") else 1
    fault = Fault(
        operation=choice(fields.text("operation"), _OPERATION_NAMES, where="operation"),
        effect=_effect(fields),
        context=fields.text("nip") if fields.has("nip") else None,
        after=fields.integer("after", minimum=0, maximum=_MANY) if fields.has("after") else 0,
        times=times or None,
    )
    return json_response(201, _shown(call.site.controls.faults.arm(fault)))


def list_faults(call: AdminCall) -> Response:
    return json_response(200, {"faults": [_shown(fault) for fault in call.site.controls.faults.armed()]})


def withdraw_fault(call: AdminCall) -> Response:
    number = call.number_in_path("id")
    if not call.site.controls.faults.withdraw(number):
        raise NotFound(f"No fault {number}.")
    return empty_response(204)


def withdraw_faults(call: AdminCall) -> Response:
    call.site.controls.faults.withdraw_all()
    return empty_response(204)


def _span(name: str, value: object) -> tuple[float, float]:
    if isinstance(value, list) and len(value) == 2 and all(type(item) in (int, float) for item in value):
        return value[0], value[1]
    raise ValueError(f"delay {name!r}: expected [least, most] in seconds")


def _effect(fields: Fields) -> Effect:
    match fields.choice("effect", _EFFECTS):
        case "lose_answer":
            return LoseAnswer()
        case "delay_answer":
            return DelayAnswer(fields.number("seconds", minimum=0, maximum=_DAY_SECONDS))
        case "answer_instead":
            return AnswerInstead(_gateway_answer(fields))
        case _:
            return AnswerAfter(_gateway_answer(fields))


def _gateway_answer(fields: Fields) -> Response:
    """``status``, optional ``headers`` and ``body``; without a body, an HTML page as gateways write it."""
    code = fields.integer("status", minimum=200, maximum=599)
    headers: Headers = ()
    if fields.has("headers"):
        headers = tuple((name, str(value)) for name, value in fields.fields("headers").items())
    if not fields.has("body"):
        return gateway_page(code, headers=headers)
    return Response(status=code, headers=headers, body=fields.text("body").encode())


def _shown(fault: Fault) -> dict[str, object]:
    return {
        "id": fault.id,
        "operation": fault.operation,
        "nip": fault.context,
        "effect": type(fault.effect).__name__,
        "after": fault.after,
        "times": fault.times or 0,
        "seen": fault.seen,
        "spoiled": fault.spoiled,
        "spent": fault.spent,
    }
