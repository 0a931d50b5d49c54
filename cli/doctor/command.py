"""The command: which parts there are, and how their findings are shown."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from cli.doctor import certificates, clocks, disk, kafka, ksef, postgres, topics
from cli.doctor.findings import Part, Report, examine
from cli.doctor.installation import Installation
from cli.output import escape, fail, out
from runtime import clock
from services.sender.settings import SenderSettings

_KAFKA = "is Kafka up at KSEF_KAFKA__BOOTSTRAP_SERVERS, and do TLS and SASL settings fit it?"
_POSTGRES = "is PostgreSQL up at KSEF_POSTGRES__DSN, and may its user log in from here?"
_KSEF = "is KSeF reachable from here (KSEF_API__BASE_URL, KSEF_HTTP__PROXY, firewall), is it said to be away?"
_MIGRATED = "see what is found about postgres and migrations"
_COLOURS = {"ok": "green", "warning": "yellow", "problem": "bold red"}

NAMES = (
    "kafka",
    "topics",
    "groups",
    "postgres",
    "migrations",
    "clock",
    "master-key",
    "credentials",
    "certificates",
    "ksef",
    "disk",
)


def parts_of(installation: Installation) -> tuple[Part, ...]:
    """Everything that can be looked at, in the order in which it is shown."""
    settings = installation.settings
    return (
        Part("kafka", lambda: kafka.brokers(settings.kafka), _KAFKA),
        Part("topics", lambda: topics.topics(installation), _KAFKA),
        Part("groups", lambda: kafka.groups(settings.kafka), _KAFKA),
        Part("postgres", lambda: postgres.postgres(installation), _POSTGRES),
        Part("migrations", lambda: postgres.migrations(installation), _POSTGRES),
        Part("clock", lambda: clocks.clock(installation), _POSTGRES),
        Part("master-key", lambda: postgres.master_key(installation), _MIGRATED),
        Part("credentials", lambda: ksef.credentials(installation), _MIGRATED),
        Part("certificates", lambda: certificates.certificates(installation), "see the error"),
        Part("ksef", lambda: ksef.authority(installation), _KSEF),
        Part("disk", lambda: disk.disk(installation), _POSTGRES),
    )


def doctor(
    skip: Annotated[
        list[str] | None, typer.Option("--skip", help=f"Leave a part out: {', '.join(NAMES)}.")
    ] = None,
    seconds: Annotated[
        float, typer.Option("--seconds", min=1, help="How long one part may take; they run side by side.")
    ] = 20,
    json_: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Look whether everything that the workers need is there: exit code 0, or 1 when there is a problem.

    Changes nothing. Run it where the sender runs, with its environment: it logs in
    to KSeF as every configured company, and forgets the tokens.
    """
    if unknown := set(skip or ()) - set(NAMES):
        fail(f"there is no part {', '.join(sorted(unknown))}: there are {', '.join(NAMES)}", code=2)
    installation = Installation(SenderSettings.load(), clock=clock.now)
    parts = [part for part in parts_of(installation) if part.name not in (skip or ())]
    reports = asyncio.run(examine(parts, seconds=seconds))
    if json_:
        out.print_json(json.dumps(as_json(reports), ensure_ascii=False))
    else:
        _show(reports)
    if any(finding.level == "problem" for report in reports for finding in report.findings):
        raise typer.Exit(1)


def _show(reports: Sequence[Report]) -> None:
    for report in reports:
        for finding in report.findings:
            colour = _COLOURS[finding.level]
            out.print(f"{report.part:<13} [{colour}]{finding.level:<8}[/] {escape(finding.text)}")
            if finding.mend:
                out.print(f"{'':<22} → {escape(finding.mend)}")


def as_json(reports: Sequence[Report]) -> list[dict[str, str]]:
    """One object per finding: part, level, text, mend."""
    return [{"part": report.part, **asdict(finding)} for report in reports for finding in report.findings]
