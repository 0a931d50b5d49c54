"""The only place of sender that constructs things."""

import ksef
from contracts.events import ADMITTED
from runtime import clock
from runtime.app import Worker, open_worker
from runtime.due import DueWork, Holder
from runtime.lease import Leases
from runtime.outbox import Outbox
from runtime.secrets import Sealer
from services import MIGRATED
from services.sender.announce import STAGE
from services.sender.desk import Desk
from services.sender.gateway import Gateways, open_client
from services.sender.handlers import TakingOver
from services.sender.runner import Sender
from services.sender.settings import SenderSettings
from services.sender.store import CHANNEL, Ledger


async def serve(settings: SenderSettings) -> None:
    """Run until a signal."""
    ksef.self_test()
    sealer = Sealer(settings.secrets.master_key)
    async with open_worker(STAGE, settings, packages=MIGRATED) as worker, open_client(settings) as client:
        outbox = Outbox(STAGE)
        worker.consume(TakingOver(database=worker.database), topics=[ADMITTED])
        worker.loop("due-work", _due_work(worker, settings, client, outbox, sealer).run_until)
        worker.relay(outbox)
        await worker.run()


def _due_work(
    worker: Worker, settings: SenderSettings, client: ksef.KsefClient, outbox: Outbox, sealer: Sealer
) -> DueWork:
    leases = Leases("sender.context", owner=worker.owner, seconds=settings.sender.lease_seconds)
    ledger = Ledger(worker.database, leases)
    gateways = Gateways(client, worker.config)

    def make_desk(holder: Holder) -> Desk:
        return Desk(
            holder=holder,
            ledger=ledger,
            gateway=gateways.of(holder.key),
            payloads=worker.payloads,
            outbox=outbox,
            sealer=sealer,
            tracing=worker.tracing,
            clock=clock.now,
            options=settings.sender,
        )

    return DueWork(
        service=STAGE,
        database=worker.database,
        leases=leases,
        act=Sender(make_desk),
        channel=CHANNEL,
        concurrency=settings.sender.concurrency,
    )
