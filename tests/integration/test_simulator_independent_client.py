"""A client written by others, for the real KSeF, works against the simulator unchanged (PyPI `ksef-client`).

What this proves: our reading of the protocol agrees with somebody else's, encryption included.
"""

import asyncio
import hashlib
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from ksef_client import AsyncKsefClient, KsefClient, KsefClientOptions
from ksef_client import models as m
from ksef_client.exceptions import KsefApiError
from ksef_client.services import (
    AsyncAuthCoordinator,
    AsyncOnlineSessionWorkflow,
    AuthCoordinator,
    OnlineSessionWorkflow,
)
from ksef_client.services.sessions import AsyncOnlineSessionHandle

from simulator.policy import Policy
from simulator.server import Options, Server, running
from tests.support.simulator_rows import session_row

NIP = "5265877635"
TODAY = datetime.now(UTC).date().isoformat()
FORM = m.FormCode(system_code="FA (3)", schema_version="1-0E", value="FA")
TOKEN_KEY = m.PublicKeyCertificateUsage.KSEFTOKENENCRYPTION
SESSION_KEY = m.PublicKeyCertificateUsage.SYMMETRICKEYENCRYPTION
POLL_SECONDS = 0.02
DEADLINE_SECONDS = 20

INVOICE = f"""<?xml version="1.0" encoding="UTF-8"?>
<Faktura xmlns="http://crd.gov.pl/wzor/2025/06/25/13775/">
  <Naglowek>
    <KodFormularza kodSystemowy="FA (3)" wersjaSchemy="1-0E">FA</KodFormularza>
    <WariantFormularza>3</WariantFormularza>
    <DataWytworzeniaFa>{TODAY}T06:00:00Z</DataWytworzeniaFa>
  </Naglowek>
  <Podmiot1>
    <DaneIdentyfikacyjne><NIP>{NIP}</NIP><Nazwa>Tartak Przykładowy sp. z o.o.</Nazwa></DaneIdentyfikacyjne>
    <Adres><KodKraju>PL</KodKraju><AdresL1>ul. Leśna 1, 16-400 Suwałki</AdresL1></Adres>
  </Podmiot1>
  <Podmiot2>
    <DaneIdentyfikacyjne><NIP>1111111111</NIP><Nazwa>Stolarnia Wzorcowa</Nazwa></DaneIdentyfikacyjne>
    <Adres><KodKraju>PL</KodKraju><AdresL1>ul. Meblowa 2, 60-001 Poznań</AdresL1></Adres>
    <JST>2</JST><GV>2</GV>
  </Podmiot2>
  <Fa>
    <KodWaluty>PLN</KodWaluty><P_1>{TODAY}</P_1><P_2>TP/2026/11/042</P_2>
    <P_13_1>1200.00</P_13_1><P_14_1>276.00</P_14_1><P_15>1476.00</P_15>
    <Adnotacje><P_16>2</P_16><P_17>2</P_17><P_18>2</P_18><P_18A>2</P_18A>
      <Zwolnienie><P_19N>1</P_19N></Zwolnienie>
      <NoweSrodkiTransportu><P_22N>1</P_22N></NoweSrodkiTransportu>
      <P_23>2</P_23><PMarzy><P_PMarzyN>1</P_PMarzyN></PMarzy></Adnotacje>
    <RodzajFaktury>VAT</RodzajFaktury>
    <FaWiersz><NrWierszaFa>1</NrWierszaFa><P_7>Tarcica sosnowa obrzynana</P_7><P_8A>m3</P_8A><P_8B>1</P_8B>
      <P_9A>1200</P_9A><P_11>1200.00</P_11><P_12>23</P_12></FaWiersz>
  </Fa>
</Faktura>""".encode()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """With the limits and the delays a stranger meets by default."""
    async with running(Options(policy=Policy(open_world=True))) as running_server:
        yield running_server


@pytest.fixture
async def token(server: Server) -> str:
    """The text of a KSeF token, as somebody would copy it from the taxpayer's application."""
    headers = {"authorization": f"Bearer {server.admin_token}"}
    async with httpx.AsyncClient(base_url=server.admin_url, headers=headers) as admin:
        minted = await admin.post("/tokens", json={"nip": NIP, "permissions": ["InvoiceWrite"]})
    return str(minted.raise_for_status().json()["token"])


def sha256(content: bytes) -> str:
    return b64encode(hashlib.sha256(content).digest()).decode()


async def decided(session: AsyncOnlineSessionHandle, reference: str) -> m.SessionInvoiceStatusResponse:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            invoice = await session.get_invoice_status(reference)
            if invoice.status.code != 150:
                return invoice
            await asyncio.sleep(POLL_SECONDS)


def check(invoice: m.SessionInvoiceStatusResponse, upo: bytes) -> None:
    assert invoice.status.code == 200
    assert invoice.invoice_number == "TP/2026/11/042"
    assert invoice.invoice_hash == sha256(INVOICE)
    assert invoice.invoicing_mode == m.InvoicingMode.ONLINE
    assert f"<NumerKSeFDokumentu>{invoice.ksef_number}</NumerKSeFDokumentu>".encode() in upo
    assert f"<SkrotDokumentu>{sha256(INVOICE)}</SkrotDokumentu>".encode() in upo
    assert b"<ds:Signature " in upo


async def test_the_synchronous_client_sends_an_invoice_and_fetches_its_receipt(server, token):
    def whole_way() -> tuple[m.SessionInvoiceStatusResponse, bytes, m.SessionStatusResponse]:
        with KsefClient(KsefClientOptions(base_url=server.url)) as client:
            access = (
                AuthCoordinator(client.auth)
                .authenticate_with_ksef_token(
                    token=token,
                    public_certificate=client.security.get_public_key_certificate_pem(TOKEN_KEY),
                    context_identifier_type="nip",
                    context_identifier_value=NIP,
                    poll_interval_seconds=POLL_SECONDS,
                )
                .access_token
            )
            session = OnlineSessionWorkflow(client.sessions).open_session(
                form_code=FORM,
                public_certificate=client.security.get_public_key_certificate_pem(SESSION_KEY),
                access_token=access,
            )
            reference = session.send_invoice(INVOICE).reference_number
            deadline = time.monotonic() + DEADLINE_SECONDS
            while (invoice := session.get_invoice_status(reference)).status.code == 150:
                assert time.monotonic() < deadline, "the invoice stays at 150"
                time.sleep(POLL_SECONDS)
            upo = session.get_invoice_upo_by_ref(reference)
            session.close()
            while (closed := session.get_status()).status.code == 170:
                assert time.monotonic() < deadline, "the session stays at 170"
                time.sleep(POLL_SECONDS)
            return invoice, upo, closed

    invoice, upo, closed = await asyncio.to_thread(whole_way)

    check(invoice, upo)
    assert closed.status.code == 200
    assert closed.successful_invoice_count == 1
    assert closed.failed_invoice_count is None


async def test_the_asynchronous_client_sends_an_invoice_and_fetches_its_receipt(server, token):
    async with AsyncKsefClient(KsefClientOptions(base_url=server.url)) as client:
        result = await AsyncAuthCoordinator(client.auth).authenticate_with_ksef_token(
            token=token,
            public_certificate=await client.security.get_public_key_certificate_pem(TOKEN_KEY),
            context_identifier_type="nip",
            context_identifier_value=NIP,
            poll_interval_seconds=POLL_SECONDS,
        )
        session = await AsyncOnlineSessionWorkflow(client.sessions).open_session(
            form_code=FORM,
            public_certificate=await client.security.get_public_key_certificate_pem(SESSION_KEY),
            access_token=result.access_token,
        )
        reference = (await session.send_invoice(INVOICE)).reference_number
        invoice = await decided(session, reference)
        upo = await session.get_invoice_upo_by_ksef(invoice.ksef_number or "")
        await session.close()
        listed = await client.sessions.get_sessions(session_type="Online", access_token=result.access_token)

    check(invoice, upo)
    assert [item.reference_number for item in listed.sessions] == [session.reference_number]


async def test_the_client_understands_refusals(server, token):
    async with AsyncKsefClient(KsefClientOptions(base_url=server.url)) as client:
        result = await AsyncAuthCoordinator(client.auth).authenticate_with_ksef_token(
            token=token,
            public_certificate=await client.security.get_public_key_certificate_pem(TOKEN_KEY),
            context_identifier_type="nip",
            context_identifier_value=NIP,
            poll_interval_seconds=POLL_SECONDS,
        )
        with pytest.raises(KsefApiError) as refused:
            await client.sessions.get_session_status(
                "20261120-SO-0000000000-0000000000-00", access_token=result.access_token
            )
        refreshed = await client.auth.refresh_access_token(result.refresh_token)
        limits = await client.limits.get_context_limits(access_token=result.access_token)
        rates = await client.rate_limits.get_rate_limits(access_token=result.access_token)

    assert refused.value.status_code == 400
    assert "21173" in str(refused.value.response_body)
    assert refreshed.access_token.token != result.access_token
    assert limits.online_session.max_invoices == 10_000
    assert rates.invoice_send.per_hour == 180


async def test_the_client_pages_and_filters_a_list_of_sessions(server, token):
    first_moment = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    references = [f"20261120-SO-{number:010X}-0000000000-00" for number in range(25)]
    for minutes, reference in enumerate(references):
        opened_at = first_moment + timedelta(minutes=minutes)
        server.store.add_session(session_row(reference, nip=NIP, opened_at=opened_at))
    async with AsyncKsefClient(KsefClientOptions(base_url=server.url)) as client:
        access = await AsyncAuthCoordinator(client.auth).authenticate_with_ksef_token(
            token=token,
            public_certificate=await client.security.get_public_key_certificate_pem(TOKEN_KEY),
            context_identifier_type="nip",
            context_identifier_value=NIP,
            poll_interval_seconds=POLL_SECONDS,
        )

        async def page(continuation_token: str | None) -> m.SessionsQueryResponse:
            return await client.sessions.get_sessions(
                session_type="Online",
                page_size=10,
                continuation_token=continuation_token,
                date_created_from="2026-11-20T09:04:00+00:00",
                date_created_to="2026-11-20T09:23:00+00:00",
                statuses=["InProgress", "Cancelled"],
                access_token=access.access_token,
            )

        newer = await page(None)
        older = await page(newer.continuation_token)

    assert [item.reference_number for item in newer.sessions] == references[23:13:-1]
    assert [item.reference_number for item in older.sessions] == references[13:3:-1]
    assert older.continuation_token is None
    assert (newer.sessions[0].total_invoice_count, newer.sessions[0].failed_invoice_count) == (0, 0)
