"""Moments on the command line: RFC 3339, with an offset, so that nobody has to guess whose clock is meant."""

from datetime import UTC, datetime

import typer


def moment(text: str) -> datetime:
    """``2026-11-02T09:00:00Z``. Raises ``BadParameter``."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time: write it like 2026-11-02T09:00:00Z") from None
    if at.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no offset: write {text}Z for UTC, or {text}+01:00")
    return at


def shown(at: datetime) -> str:
    """``2026-11-02 09:00:00Z``"""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
