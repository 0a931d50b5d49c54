"""The only place of validator that constructs things."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from contracts.events import MAPPED, STATUS
from fa3.schema import warm_up
from runtime import clock
from runtime.app import open_worker
from runtime.outbox import Outbox
from runtime.settings import Settings
from services import MIGRATED
from services.validator.announce import STAGE
from services.validator.checking import check
from services.validator.coherence import checks
from services.validator.handlers import Validator


async def serve(settings: Settings) -> None:
    """Run until a signal."""
    production = settings.environment == "production"
    # One thread: the compiled schema belongs to its thread, and libxml2 works without the interpreter's lock.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix=STAGE) as executor:
        async with open_worker(STAGE, settings, packages=MIGRATED) as worker:
            outbox = Outbox(STAGE)
            handler = Validator(
                database=worker.database,
                payloads=worker.payloads,
                outbox=outbox,
                config=worker.config,
                tracing=worker.tracing,
                check=partial(check, nip_severity="error" if production else "warning"),
                executor=executor,
                clock=clock.now,
            )
            # The first document is not to wait for the schema's compilation.
            await asyncio.get_running_loop().run_in_executor(executor, warm_up)
            worker.consume(handler, topics=[MAPPED, STATUS])
            worker.relay(outbox)
            worker.audit(checks())
            await worker.run()
