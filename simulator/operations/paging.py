"""Continuation tokens: opaque to the caller, bound to the list they came from; anything else is 21418."""

import base64

from simulator.protocol.errors import BAD_CONTINUATION, BadRequest
from simulator.wire import Request

_HEADER = "x-continuation-token"
_DIGITS = 18


def continuation_token(position: int, *, of: str) -> str:
    """A token that lets the list ``of`` go on after ``position``."""
    return base64.b64encode(f"{of}#{position}".encode()).decode()


def continued_from(request: Request, *, of: str) -> int | None:
    """The position in the request's token; None for the first page."""
    token = request.header(_HEADER)
    if not token:
        return None
    try:
        name, _, position = base64.b64decode(token, validate=True).decode("ascii").partition("#")
    except ValueError as error:
        raise BadRequest(BAD_CONTINUATION) from error
    if name != of or not position.isdigit() or len(position) > _DIGITS:
        raise BadRequest(BAD_CONTINUATION)
    return int(position)
