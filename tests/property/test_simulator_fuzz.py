"""Whatever a client sends, the core answers: a status of the protocol, never an exception, never a 5xx."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.operations.table import OPERATIONS
from tests.support.simulator_driver import SELLER, Ksef, fa3, send_request

REFERENCE = "20261120-CR-0000000000-0000000000-00"
NAMES = st.sampled_from(
    [
        "challenge",
        "contextIdentifier",
        "type",
        "value",
        "encryptedToken",
        "publicKeyId",
        "authorizationPolicy",
        "allowedIps",
        "ip4Masks",
        "formCode",
        "systemCode",
        "encryption",
        "encryptedSymmetricKey",
        "initializationVector",
        "rateLimits",
        "invoiceSend",
        "perHour",
        *send_request(b"x"),
    ]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=50)
    | st.sampled_from(
        ["Nip", SELLER, "A" * 43 + "=", "A" * 44, "AAAA", "20261120-CR-0000000000-0000000000-00"]
    )
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=12,
)
BODIES = st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode())
PARAMETERS = st.lists(
    st.tuples(
        st.sampled_from(["sessionType", "pageSize", "statuses", "dateCreatedFrom", "referenceNumber", "sig"]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
        | st.sampled_from(["Online", "Batch", "10", "InProgress", "0001-01-01T00:00:00+09:00"]),
    ),
    max_size=4,
)
SEGMENTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), min_size=1, max_size=40)
HEADERS = st.dictionaries(
    st.sampled_from(["x-continuation-token", "x-ksef-feature", "x-error-format", "content-type"]),
    st.text(st.characters(max_codepoint=255), max_size=40) | st.just("problem-details"),
    max_size=3,
)


@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.name for operation in OPERATIONS])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_request_breaks_an_operation(keys, operation, data):
    ksef = Ksef(keys)
    text = ksef.mint()
    access, refresh = ksef.tokens(text)
    session = ksef.open(access)
    _, login = ksef.start_login(text)
    path = operation.path.removeprefix("/v2")
    for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
        value = data.draw(st.just(session) | SEGMENTS, label=name)
        path = path.replace(f"{{{name}}}", value)

    reply = ksef.call(
        operation.method,
        path,
        data.draw(BODIES, label="body"),
        bearer=data.draw(st.sampled_from([access, refresh, login, "x", None]), label="bearer"),
        query=tuple(data.draw(PARAMETERS, label="query")),
        headers=data.draw(HEADERS, label="headers"),
    )

    assert 200 <= reply.status < 500


@settings(max_examples=150, deadline=None)
@given(
    start=st.integers(0, len(fa3())),
    dropped=st.integers(0, 60),
    inserted=st.binary(max_size=20)
    | st.sampled_from([b"<a/>", b"<?a?>", b"<!DOCTYPE a>", b"&#128;", b"]]>"]),
)
def test_no_file_breaks_the_judgement(keys, start, dropped, inserted):
    xml = fa3()[:start] + inserted + fa3()[start + dropped :]

    status = Ksef(keys).verdict(xml)

    assert status["code"] in (200, 410, 430, 450)
