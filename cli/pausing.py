"""``ksef-courier pause`` and ``resume``: the operator's stop."""

import asyncio
import re
from typing import Annotated

import typer

from cli.output import escape, fail, out
from cli.who import As, who
from runtime import acts, config
from runtime.db import open_database
from runtime.settings import Settings
from services.sender import pauses

_NIP = re.compile(r"[1-9][0-9]{9}")
_CONTEXT = re.compile(r"[A-Za-z]+:\S+")

Target = Annotated[
    str | None,
    typer.Argument(
        help="A company's NIP, or a KSeF context (Nip:5265877635); none: everything.", metavar="TARGET"
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept, and shown by `status`.")]


def pause(target: Target = None, *, reason: Reason, as_: As = None) -> None:
    """Send nothing more for a company, a KSeF context, or at all, until `resume`.

    Documents go on being accepted, checked and queued; what KSeF has already gets its number and receipt.
    """
    scope = _scope(target)
    asyncio.run(_refuse_unknown(target))
    if asyncio.run(_switch(scope, paused=True, by=who(as_), reason=reason)):
        out.print(f"paused: {escape(scope)}. Let it go on with: ksef-courier resume {target or ''}".rstrip())
    else:
        out.print(f"{escape(scope)} was paused already")


def resume(target: Target = None, *, reason: Reason, as_: As = None) -> None:
    """Let sending go on that `pause` stopped, for the same target."""
    scope = _scope(target)
    if asyncio.run(_switch(scope, paused=False, by=who(as_), reason=reason)):
        out.print(f"goes on: {escape(scope)}")
        if others := asyncio.run(_others()):
            out.print(f"still paused: {escape(', '.join(others))}")
        return
    others = asyncio.run(_others())
    fail(f"{scope} is not paused; paused now: {', '.join(others) or 'nothing'}")


def _scope(target: str | None) -> str:
    if target is None:
        return pauses.ALL
    if _NIP.fullmatch(target):
        return pauses.scope_of(company=target)
    if not _CONTEXT.fullmatch(target):
        fail(f"{target!r} is neither a NIP of ten digits nor a context such as Nip:5265877635", code=2)
    return pauses.scope_of(context=target)


async def _refuse_unknown(target: str | None) -> None:
    """A stop that nobody obeys is worse than an error."""
    settings = Settings.load()
    async with open_database(settings.postgres, application_name="ksef-courier pause") as database:
        companies = (await config.read(database)).companies
    known = {*companies, *(f"{item.context.type}:{item.context.value}" for item in companies.values())}
    if target is not None and target not in known:
        fail(f"the configuration knows neither a company nor a context {target!r}: nothing was paused")


async def _switch(scope: str, *, paused: bool, by: str, reason: str) -> bool:
    settings = Settings.load()
    async with open_database(settings.postgres, application_name="ksef-courier pause") as database:
        async with database.transaction() as connection:
            change = pauses.pause if paused else pauses.resume
            changed = await change(connection, scope, by=by, reason=reason)
            if changed:
                what = "sending-paused" if paused else "sending-resumed"
                await acts.record(connection, who=by, what=what, about=scope, reason=reason, detail={})
        return changed


async def _others() -> list[str]:
    settings = Settings.load()
    async with open_database(settings.postgres, application_name="ksef-courier pause") as database:
        return [found.scope for found in await pauses.pauses(database)]
