"""The page at ``/``: says loudly that this is a simulator."""

from html import escape

from simulator.policy import Policy
from simulator.wire import Response

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>KSeF simulator</title></head>
<body>
<h1>This is a simulator, not KSeF</h1>
<p>Nothing sent here reaches the Ministry of Finance. KSeF numbers and receipts (UPO) from this address
have no legal effect. Never point production systems at it, never send it real invoices.</p>
<p>Profile: <b>{profile}</b>. The API is under <code>/v2</code>.</p>
</body></html>
"""


def index_page(policy: Policy) -> Response:
    return Response(
        status=200,
        headers=(("content-type", "text/html; charset=utf-8"),),
        body=_PAGE.format(profile=escape(policy.profile.value)).encode(),
    )
