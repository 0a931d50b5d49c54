"""Refusals as bytes: the legacy bodies by default, problem details on request, and always for 401, 403, 410.

``X-Error-Format: problem-details`` switches 400 and 429 (KSeF API 2.4.0 and later).
"""

from datetime import datetime
from random import Random

from simulator.protocol.errors import BadRequest, Refusal, TooManyRequests
from simulator.protocol.times import timestamp
from simulator.wire import Request, Response, json_response

PROBLEM_TYPE = "application/problem+json"


def render(refusal: Refusal, *, request: Request, now: datetime, rng: Random) -> Response:
    """The answer for a refusal, in the format the request asks for."""
    trace = f"{rng.getrandbits(128):032x}"
    legacy = None if _wants_problem(request) else _legacy(refusal, now=now, trace=trace)
    if legacy is not None:
        answer = json_response(refusal.status, legacy)
    else:
        content = {
            "title": refusal.title,
            "status": refusal.status,
            "detail": refusal.detail,
            "instance": request.path,
            "timestamp": timestamp(now),
            "traceId": trace,
            **refusal.members(),
        }
        answer = json_response(refusal.status, content, media_type=PROBLEM_TYPE)
    return Response(status=answer.status, headers=answer.headers + refusal.headers(), body=answer.body)


def _wants_problem(request: Request) -> bool:
    return (request.header("x-error-format") or "").strip().lower() == "problem-details"


def _legacy(refusal: Refusal, *, now: datetime, trace: str) -> dict[str, object] | None:
    """The body of API 2.0 for the two statuses that have one."""
    match refusal:
        case BadRequest():
            return {"exception": _exception(refusal, now=now, trace=trace)}
        case TooManyRequests():
            status = {"code": refusal.status, "description": refusal.title, "details": [refusal.detail]}
            return {"status": status}
        case _:
            return None


def _exception(refusal: BadRequest, *, now: datetime, trace: str) -> dict[str, object]:
    detail: dict[str, object] = {
        "exceptionCode": refusal.code,
        "exceptionDescription": refusal.description,
    }
    if refusal.details:
        detail["details"] = list(refusal.details)
    return {
        "exceptionDetailList": [detail],
        "serviceCode": f"00-{trace}-{trace[:16]}-00",
        "serviceCtx": "simulator",
        "serviceName": "Undefined",
        "timestamp": timestamp(now),
    }
