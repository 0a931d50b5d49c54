"""The only place of intake that constructs things."""

from contracts.events import SALES_INPUT_TEMPLATE
from runtime.app import open_worker
from runtime.settings import Settings
from services import MIGRATED
from services.intake.coherence import checks
from services.intake.handlers import STAGE, Intake


async def serve(settings: Settings) -> None:
    """Run until a signal."""
    async with open_worker(STAGE, settings, packages=MIGRATED) as worker:
        handler = Intake(
            database=worker.database, payloads=worker.payloads, config=worker.config, tracing=worker.tracing
        )
        worker.consume(handler, per_source=SALES_INPUT_TEMPLATE)
        worker.audit(checks())
        await worker.run()
