"""``ksef-courier explain``: what became of a document, in words."""

import asyncio
import os
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

from cli.explanation import Case, Explanation, explain
from cli.output import fail, out
from contracts.wording import Wording
from runtime.db import Database, open_database
from runtime.settings import Settings
from services.sender import pauses, recovery_store
from services.sender.turn import turn_of
from services.tracker import store
from services.tracker.store import Document


class Language(StrEnum):
    EN = "en"
    PL = "pl"

    def of(self, words: Wording) -> str:
        return words.pl if self is Language.PL else words.en


_BECAUSE = Wording("Why:", "Dlaczego:")
_NEXT = Wording("What to do:", "Co robić:")
_HISTORY = Wording("What happened:", "Co się działo:")


def explain_document(
    document: Annotated[
        str, typer.Argument(help="Document id, the ERP's id, invoice number or KSeF number.")
    ],
    lang: Annotated[
        Language | None, typer.Option("--lang", help="Default: Polish where the locale is, else English.")
    ] = None,
) -> None:
    """Say in words where a document stands, why, and what to do about it."""
    language = lang or locale_language(os.environ.get)
    for told in asyncio.run(_explanations(Settings.load(), document)):
        _print(told, language)


def locale_language(variable: Callable[[str], str | None]) -> Language:
    """The language of messages that the environment asks for, as POSIX ranks its variables."""
    asked = next(filter(None, map(variable, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return Language.PL if asked.startswith("pl") else Language.EN


async def _explanations(settings: Settings, text: str) -> list[Explanation]:
    async with open_database(settings.postgres, application_name="ksef-courier explain") as database:
        found = await store.find(database, text)
        if not found:
            fail(f"no document has the id, number or KSeF number {text!r} (asked: the tracker's tables)")
        return [explain(await _case(database, document)) for document in found]


async def _case(database: Database, document: Document) -> Case:
    waits_for = document.life.waits_for
    holders = [] if waits_for is None else await store.find(database, str(waits_for))
    return Case(
        document=document,
        steps=await store.steps(database, document.ref),
        turn=await turn_of(database, document.ref),
        holder=holders[0] if holders else None,
        pauses=await pauses.pauses(database),
        recovering=await recovery_store.standings(database),
    )


def _print(told: Explanation, language: Language) -> None:
    out.print(language.of(told.about), markup=False, style="bold")
    out.print(language.of(told.stands), markup=False)
    for title, sentences in ((_BECAUSE, told.because), (_NEXT, told.next_steps), (_HISTORY, told.history)):
        if sentences:
            out.print(f"\n{language.of(title)}", markup=False)
        for sentence in sentences:
            out.print(f"  {language.of(sentence)}", markup=False)
    out.print()
