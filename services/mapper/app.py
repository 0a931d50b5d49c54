"""The only place of mapper that constructs things."""

from concurrent.futures import ThreadPoolExecutor

from contracts.events import ACCEPTED
from runtime import clock
from runtime.app import open_worker
from runtime.settings import Settings
from services import MIGRATED
from services.mapper.handlers import STAGE, Mapper


async def serve(settings: Settings) -> None:
    """Run until a signal."""
    # One thread: mapping holds the interpreter's lock; it is there so that the event loop keeps turning.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix=STAGE) as executor:
        async with open_worker(STAGE, settings, packages=MIGRATED) as worker:
            handler = Mapper(
                database=worker.database,
                payloads=worker.payloads,
                config=worker.config,
                tracing=worker.tracing,
                executor=executor,
                clock=clock.now,
            )
            worker.consume(handler, topics=[ACCEPTED])
            await worker.run()
