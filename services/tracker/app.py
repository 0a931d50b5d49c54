"""The only place of tracker that constructs things."""

from contracts.events import STATUS
from runtime.app import open_worker
from runtime.outbox import Outbox
from services import MIGRATED
from services.tracker import pending
from services.tracker.coherence import checks
from services.tracker.handlers import Tracker
from services.tracker.results import STAGE
from services.tracker.settings import TrackerSettings


async def serve(settings: TrackerSettings) -> None:
    """Run until a signal."""
    async with open_worker(STAGE, settings, packages=MIGRATED) as worker:
        outbox = Outbox(STAGE)
        handler = Tracker(
            database=worker.database, payloads=worker.payloads, outbox=outbox, tracing=worker.tracing
        )
        worker.consume(handler, topics=[STATUS])
        worker.loop("pending", lambda stopping: pending.watch(worker.database, stopping=stopping))
        worker.relay(outbox)
        worker.audit(checks(settings.tracker))
        await worker.run()
