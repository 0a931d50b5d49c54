"""``ksef-courier topics acl``: who may use the topics."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.config import configured_sources
from cli.output import fail, out
from runtime import acl, acl_apply
from runtime.acl import Acl, Difference
from runtime.settings import Settings


def acls(
    apply_: Annotated[
        bool, typer.Option("--apply", help="Create on the cluster what is missing. Takes a super user.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="With --apply: also remove what our principals have beyond it.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --apply: only say what would be done.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    as_commands: Annotated[
        bool, typer.Option("--commands", help="As lines for Kafka's kafka-acls.sh, for whoever may run it.")
    ] = False,
) -> None:
    """Who may do what: the ACLs that follow from contracts/topics and the configured sources.

    One principal per worker (ksef-<worker>), one per source (erp-<source>), one for the operator. Without
    --apply nothing is asked of Kafka or changed there. Only entries of these principals are ever removed, and
    only with --prune.
    """
    if (prune or dry_run) and not apply_:
        fail("--prune and --dry-run belong to --apply", code=2)
    if as_commands and (apply_ or as_json):
        fail("--commands stands alone: it neither applies nor makes JSON", code=2)
    settings = Settings.load()
    if apply_:
        found = asyncio.run(apply(settings, prune=prune, dry_run=dry_run))
        _show_difference(found, prune=prune, dry_run=dry_run, as_json=as_json)
    else:
        wishes = acl.wanted(
            sources=asyncio.run(configured_sources(settings)), prefix=settings.kafka.topic_prefix
        )
        _show_wishes(wishes, as_json=as_json, as_commands=as_commands)


async def apply(settings: Settings, *, prune: bool, dry_run: bool) -> Difference:
    """The work of the command."""
    sources = await configured_sources(settings)
    return await acl_apply.apply(settings.kafka, sources=sources, prune=prune, dry_run=dry_run)


def _show_wishes(wishes: Sequence[Acl], *, as_json: bool, as_commands: bool) -> None:
    if as_json:
        out.print_json(json.dumps(_as_json(wishes)))
    elif as_commands:
        for line in acl.commands(wishes):
            out.print(line, markup=False)
    else:
        table = Table("principal", "may", "on", "names", box=None, pad_edge=False)
        for principal, operations, kind, names in acl.grouped(wishes):
            table.add_row(f"User:{principal}", operations, kind, "\n".join(names))
        out.print(table)


def _show_difference(found: Difference, *, prune: bool, dry_run: bool, as_json: bool) -> None:
    if as_json:
        out.print_json(
            json.dumps(
                {
                    "missing": _as_json(found.missing),
                    "unwanted": _as_json(found.unwanted),
                    "denials": _as_json(found.denials),
                    "created": not dry_run,
                    "removed": prune and not dry_run,
                }
            )
        )
        return
    _list("would create" if dry_run else "created", found.missing)
    beyond = "unwanted" if not prune else "would remove" if dry_run else "removed"
    _list(beyond, found.unwanted)
    _list("denied by somebody, left as it is", found.denials)
    if not (found.missing or found.unwanted or found.denials):
        out.print("all ACLs are as they should be")
    elif found.unwanted and not prune:
        out.print("the unwanted ones stay: `ksef-courier topics acl --apply --prune` removes them")


def _list(what: str, acls: Iterable[Acl]) -> None:
    for principal, operations, kind, names in acl.grouped(acls):
        for name in names:
            out.print(f"{what}: User:{principal} {operations} on {kind} {name}", markup=False)


def _as_json(acls: Iterable[Acl]) -> list[dict[str, Any]]:
    return [
        {
            "principal": f"User:{entry.principal}",
            "resource": entry.resource.name.lower(),
            "name": entry.name,
            "pattern": entry.pattern.name.lower(),
            "operation": entry.operation.title,
            "permission": entry.permission.name.lower(),
            "host": entry.host,
        }
        for entry in acls
    ]
