"""The only place of sender that constructs things."""

import ksef
from contracts.events import ADMITTED
from runtime import clock
from runtime.app import open_worker
from runtime.due import DueWork, Holder
from runtime.lease import Leases
from runtime.outbox import Outbox
from runtime.secrets import Sealer
from services import MIGRATED
from services.sender import pauses
from services.sender.announce import STAGE
from services.sender.coherence import checks
from services.sender.desk import Desk
from services.sender.gateway import Gateways, open_client
from services.sender.handlers import TakingOver
from services.sender.runner import Sender
from services.sender.settings import SenderSettings
from services.sender.store import CHANNEL, Ledger
from services.sender.watermark import open_watermark


async def serve(settings: SenderSettings) -> None:
    """Run until a signal."""
    ksef.self_test()
    sealer = Sealer(settings.secrets.master_key)
    async with (
        open_worker(STAGE, settings, packages=MIGRATED) as worker,
        open_client(settings) as client,
        open_watermark(settings.kafka, worker.producer, clock=clock.now) as watermark,
    ):
        outbox = Outbox(STAGE)
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
                watermark=watermark,
                clock=clock.now,
                options=settings.sender,
            )

        due_work = DueWork(
            service=STAGE,
            database=worker.database,
            leases=leases,
            act=Sender(make_desk),
            channel=CHANNEL,
            concurrency=settings.sender.concurrency,
        )
        worker.consume(TakingOver(database=worker.database), topics=[ADMITTED])
        worker.loop("due-work", due_work.run_until)
        worker.loop("pauses", lambda stopping: pauses.watch(worker.database, stopping=stopping))
        worker.relay(outbox)
        worker.audit(checks(settings.sender))
        await worker.run()
