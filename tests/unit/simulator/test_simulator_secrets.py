"""Nothing that is printed, logged or raised shows a token, a key or a document."""

import json

import pytest

from simulator.crypto.bearers import Issued
from simulator.server import Options, running
from simulator.wire import Request, Response
from tests.support.simulator_driver import AES_KEY, Ksef, fa3


def test_requests_and_answers_print_neither_headers_nor_bodies():
    request = Request("POST", "/v2/x", headers={"authorization": "Bearer tajne"}, body=b"tajne")

    assert "tajne" not in repr(request)
    assert "tajne" not in repr(Response(200, body=b"tajne"))


def test_issued_tokens_print_no_token(ksef):
    assert "tajne" not in repr(Issued(token="tajne", valid_until=ksef.now))


def test_an_installation_prints_no_secret(ksef):
    shown = repr(ksef.site)

    assert repr(ksef.site.keys.bearer_secret) not in shown
    assert repr(ksef.site.keys.link_secret) not in shown
    assert "private_key" not in shown


def test_a_session_prints_no_key(ksef):
    session = ksef.store.session(ksef.open(ksef.access()))

    assert session.key == AES_KEY
    assert repr(AES_KEY) not in repr(session)


async def test_a_server_prints_no_admin_token(keys):
    async with running(Options(), keys=keys) as server:
        assert server.admin_token not in repr(server)
        assert json.loads(server.ready_line())["admin_token"] == server.admin_token


@pytest.mark.parametrize("xml", [fa3(goods="TAJNE"), fa3(goods="TAJNE", issued="2026-11-21"), b"<TAJNE"])
def test_verdicts_do_not_quote_the_document(keys, xml):
    assert "TAJNE" not in json.dumps(Ksef(keys).verdict(xml))
