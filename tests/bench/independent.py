"""A client written by others (PyPI ``ksef-client``), sending one by one: what most integrations do."""

import asyncio
import time

from ksef_client import KsefClient, KsefClientOptions
from ksef_client import models as m
from ksef_client.services import AuthCoordinator, OnlineSessionWorkflow

from tests.bench import floor
from tests.support.system import ALFA, System, invoice

FORM = m.FormCode(system_code="FA (3)", schema_version="1-0E", value="FA")
SELLER = {"name": "Huta Bursztyn sp. z o.o.", "line1": "ul. Piecowa 7", "line2": "80-299 Gdańsk"}
POLL_SECONDS = 0.02
PENDING = 150


async def one_by_one(system: System, *, count: int) -> float:
    """Invoices per second: each is posted, its number waited for and its receipt fetched, before the next."""
    return await asyncio.to_thread(_one_by_one, system, count)


def _one_by_one(system: System, count: int) -> float:
    token = system.environ[f"KSEF_TOKEN_{ALFA}"]
    invoices = [_xml(f"THEIRS/{number}") for number in range(count)]
    # It adds the version to the address by itself.
    with KsefClient(KsefClientOptions(base_url=system.simulator.api.removesuffix("/v2"))) as client:
        usage = m.PublicKeyCertificateUsage
        certificate = client.security.get_public_key_certificate_pem
        logged_in = AuthCoordinator(client.auth).authenticate_with_ksef_token(
            token=token,
            public_certificate=certificate(usage.KSEFTOKENENCRYPTION),
            context_identifier_type="nip",
            context_identifier_value=ALFA,
            poll_interval_seconds=POLL_SECONDS,
        )
        session = OnlineSessionWorkflow(client.sessions).open_session(
            form_code=FORM,
            public_certificate=certificate(usage.SYMMETRICKEYENCRYPTION),
            access_token=logged_in.access_token,
        )
        started = time.monotonic()
        for xml in invoices:
            reference = session.send_invoice(xml).reference_number
            while session.get_invoice_status(reference).status.code == PENDING:
                time.sleep(POLL_SECONDS)
            session.get_invoice_upo_by_ref(reference)
        seconds = time.monotonic() - started
        session.close()
    return count / seconds


def _xml(number: str) -> bytes:
    raw = invoice(number, lines=3)
    return floor.f1(raw, seller=SELLER, created_at="2026-11-02T00:00:00Z", key=bytes(32), iv=bytes(16)).xml
