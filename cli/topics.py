"""``ksef-courier topics``"""

import asyncio

import typer
from rich.table import Table

from cli import acls
from cli.config import configured_sources
from cli.output import out
from runtime import topics
from runtime.settings import Settings

app = typer.Typer(help="The topics that contracts/topics declares.", no_args_is_help=True)
app.command("acl")(acls.acls)


@app.command("list")
def list_topics() -> None:
    """The table of topics, as declared."""
    table = Table("topic", "partitions", "kept", "written by", "read by", box=None, pad_edge=False)
    for topic in topics.table():
        table.add_row(
            topic.name,
            str(topic.partitions),
            f"{topic.retention_days} d",
            ", ".join(topic.producers),
            ", ".join(topic.consumers),
        )
    out.print(table)


@app.command("apply")
def apply_topics() -> None:
    """Create the missing topics and put drifted settings right; public ones for every configured source.

    Safe to repeat. The number of partitions of an existing topic is never changed.
    """
    settings = Settings.load()
    applied = asyncio.run(apply(settings))
    for topic in applied:
        mended = "; ".join(topic.drift)
        state = "created" if topic.created else f"mended: {mended}" if mended else "as it should be"
        out.print(f"{topic.name:<40} {state}", markup=False)


async def apply(settings: Settings) -> list[topics.Applied]:
    """The work of the command."""
    return await topics.apply(settings.kafka, sources=await configured_sources(settings))
