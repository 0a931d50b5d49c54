"""Continuation tokens: opaque to the caller, bound to the list they came from; anything else is 21418."""

import base64
import binascii

from simulator.protocol.errors import BAD_CONTINUATION, BadRequest
from simulator.wire import Request

_HEADER = "x-continuation-token"


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
        if name != of or not position.isdigit() or len(position) > 18:
            raise BadRequest(BAD_CONTINUATION)
        return int(position)
    except (binascii.Error, UnicodeDecodeError) as error:
        raise BadRequest(BAD_CONTINUATION) from error
