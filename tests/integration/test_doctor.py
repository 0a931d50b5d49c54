"""The doctor on the real parts: all well, and then each part broken on purpose, named with its mend."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from pydantic import SecretStr

from cli.doctor.command import NAMES, as_json, parts_of
from cli.doctor.findings import Finding, examine
from cli.doctor.installation import Installation
from runtime import clock
from runtime.db import Database
from runtime.secrets import Sealer, new_key
from runtime.settings import PostgresSettings, SecretsSettings
from services.sender.settings import SenderSettings
from stack.local import Addresses
from tests.support.kit import Kafka
from tests.support.stack import fresh_database, fresh_topic_prefix
from tests.support.system import ALFA, running_system

pytestmark = pytest.mark.xdist_group("doctor")


@dataclass(frozen=True)
class Prepared:
    """An installation without workers: migrated, configured, its topics there."""

    settings: SenderSettings
    environ: Mapping[str, str]


@pytest.fixture(scope="module")
def prepared(
    tmp_path_factory: pytest.TempPathFactory, stack: Addresses, migrated_template: str
) -> Iterator[Prepared]:
    with (
        fresh_database(stack.postgres_dsn, template=migrated_template) as dsn,
        fresh_topic_prefix(stack.kafka_bootstrap) as prefix,
        running_system(tmp_path_factory.mktemp("doctor"), stack, dsn=dsn, topic_prefix=prefix) as system,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in system.environ.items():
            patch.setenv(name, value)
        yield Prepared(SenderSettings.load(), system.environ)


@pytest.fixture
def settings(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> SenderSettings:
    """Healthy ones; the companies' tokens are in the environment, as they are where a sender runs."""
    for name, value in prepared.environ.items():
        monkeypatch.setenv(name, value)
    return prepared.settings


async def findings_of(
    settings: SenderSettings, *names: str, seconds: float = 20, ahead: timedelta = timedelta()
) -> dict[str, list[Finding]]:
    """What these parts find (all, without names), with this machine's clock so far ahead."""
    installation = Installation(settings, clock=lambda: clock.now() + ahead)
    parts = [part for part in parts_of(installation) if part.name in (names or NAMES)]
    return {report.part: list(report.findings) for report in await examine(parts, seconds=seconds)}


def problems(findings: list[Finding]) -> dict[str, str]:
    """Text → mend."""
    return {finding.text: finding.mend for finding in findings if finding.level == "problem"}


def changed(settings: SenderSettings, section: str, **options: Any) -> SenderSettings:
    return settings.model_copy(update={section: getattr(settings, section).model_copy(update=options)})


def on_database(settings: SenderSettings, dsn: str) -> SenderSettings:
    return settings.model_copy(update={"postgres": PostgresSettings(dsn=SecretStr(dsn))})


async def test_a_healthy_installation_has_no_problem_in_any_part(settings: SenderSettings) -> None:
    found = await findings_of(settings)

    assert list(found) == list(NAMES)
    assert {part: problems(findings) for part, findings in found.items()} == {part: {} for part in NAMES}
    assert {part for part, findings in found.items() if findings[0].level != "ok"} == {"groups"}
    logins = [finding.text for finding in found["ksef"] if "logged in" in finding.text]
    assert sorted(logins) == [
        "Nip:7010000117: logged in with env:KSEF_TOKEN_7010000117",
        "Nip:7020000225: logged in with env:KSEF_TOKEN_7020000225",
        "Nip:7030000333: logged in with env:KSEF_TOKEN_7030000333",
    ]


async def test_missing_drifted_and_narrow_topics_are_named(settings: SenderSettings, kafka: Kafka) -> None:
    await kafka.create("sales.document.status.v1", partitions=1, configs={"retention.ms": "60000"})
    here = changed(settings, "kafka", topic_prefix=kafka.prefix)

    found = (await findings_of(here, "topics"))["topics"]

    name = f"{kafka.prefix}sales.document.status.v1"
    texts = [finding.text for finding in found if finding.text.startswith(name)]
    assert "retention.ms is 60000, not 1209600000" in texts[0]
    assert texts[1] == f"{name} has 1 partitions, declared are 24"
    missing = f"{kafka.prefix}erp.shop.results.v1 does not exist"
    assert problems(found)[missing] == "ksef-courier topics apply"


async def test_kafka_away_is_said_by_its_parts_and_hides_no_other(settings: SenderSettings) -> None:
    found = await findings_of(changed(settings, "kafka", bootstrap_servers="127.0.0.1:9"))

    for part in ("kafka", "topics", "groups"):
        ((text, mend),) = problems(found[part]).items()
        assert text == "no broker answers at 127.0.0.1:9"
        assert "KSEF_KAFKA__BOOTSTRAP_SERVERS" in mend
    assert [part for part in found if problems(found[part])] == ["kafka", "topics", "groups"]


async def test_postgres_away_leaves_kafka_and_ksef_examined(settings: SenderSettings) -> None:
    found = await findings_of(on_database(settings, "postgresql://courier:hunter2@127.0.0.1:9/courier"))

    assert "KSEF_POSTGRES__DSN" in next(iter(problems(found["postgres"]).values()))
    assert found["kafka"][0].level == found["ksef"][0].level == "ok"
    assert found["topics"][0].text == "the configured sources are not known: their topics were not looked at"
    assert "hunter2" not in repr(found)


async def test_a_server_that_accepts_and_says_nothing_holds_up_its_own_part_only(
    settings: SenderSettings,
) -> None:
    async with _silent() as port:
        here = changed(settings, "kafka", bootstrap_servers=f"127.0.0.1:{port}")
        found = await findings_of(here, "kafka", "postgres", seconds=2)

    assert list(problems(found["kafka"])) == ["no answer within 2 s"]
    assert problems(found["postgres"]) == {}


@asynccontextmanager
async def _silent() -> AsyncIterator[int]:
    connected: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: connected.append(writer), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for writer in connected:
            writer.close()


async def test_a_missing_migration_is_named(settings: SenderSettings, database: str, pool: Database) -> None:
    await pool.execute("delete from meta.migration where owner = 'tracker' and name like '0002%'")

    found = (await findings_of(on_database(settings, database), "migrations"))["migrations"]

    assert problems(found) == {"the database lacks tracker/0002.pre.pending.sql": "ksef-courier migrate"}


async def test_an_empty_database_is_told_to_be_migrated(settings: SenderSettings, stack: Addresses) -> None:
    with fresh_database(stack.postgres_dsn, template="template1") as dsn:
        found = await findings_of(on_database(settings, dsn), "migrations", "credentials")

    assert "the database lacks runtime/0001.pre.kit.sql" in problems(found["migrations"])
    assert list(problems(found["credentials"]).values()) == [
        "see what is found about postgres and migrations"
    ]


async def test_the_database_of_another_environment_is_refused(
    settings: SenderSettings, database: str, pool: Database
) -> None:
    await pool.execute("update meta.installation set environment = 'production'")

    found = (await findings_of(on_database(settings, database), "migrations"))["migrations"]

    ((text, mend),) = problems(found).items()
    assert "belongs to the KSeF environment 'production', the settings say 'test'" in text
    assert mend == "one installation speaks to one environment; use another database"


async def test_a_standby_takes_no_writes(settings: SenderSettings, database: str, pool: Database) -> None:
    name = urlsplit(database).path.removeprefix("/")
    await pool.execute(f'alter database "{name}" set default_transaction_read_only = on')

    found = (await findings_of(on_database(settings, database), "postgres"))["postgres"]

    assert list(problems(found)) == ["PostgreSQL takes no writes: it is a standby, or read-only"]


async def test_commits_that_may_be_lost_are_a_problem_in_production(
    settings: SenderSettings, database: str, pool: Database
) -> None:
    name = urlsplit(database).path.removeprefix("/")
    await pool.execute(f'alter database "{name}" set synchronous_commit = off')
    production = on_database(settings, database).model_copy(update={"environment": "production"})

    found = (await findings_of(production, "postgres"))["postgres"]

    expected = "synchronous_commit is off: a crash of the database's machine may lose what was acknowledged"
    assert expected in problems(found)


async def test_a_master_key_that_opens_nothing_is_found(
    settings: SenderSettings, database: str, pool: Database
) -> None:
    session_id = uuid4()
    sealed = Sealer(settings.secrets.master_key).seal(b"key", bound_to=str(session_id))
    await pool.execute(
        """insert into sender.session (session_id, context_key, fence, state, key_sealed)
        values ($1, '', 1, 'void', $2)""",
        session_id,
        sealed,
    )
    here = on_database(settings, database)
    other = here.model_copy(update={"secrets": SecretsSettings(master_key=SecretStr(new_key()))})
    none = here.model_copy(update={"secrets": SecretsSettings()})

    opened = (await findings_of(here, "master-key"))["master-key"]
    closed = (await findings_of(other, "master-key"))["master-key"]
    missing = (await findings_of(none, "master-key"))["master-key"]

    assert opened == [Finding("ok", "the master key opens the key of the newest KSeF session")]
    assert list(problems(closed)) == ["the master key does not open the key of the newest KSeF session"]
    assert "is not set" in next(iter(problems(missing)))


async def test_a_wrong_credential_is_named_by_company_and_not_shown(
    settings: SenderSettings, monkeypatch: pytest.MonkeyPatch, prepared: Prepared
) -> None:
    token = prepared.environ[f"KSEF_TOKEN_{ALFA}"]
    wrong = token[:-6] + ("000000" if not token.endswith("000000") else "111111")
    monkeypatch.setenv(f"KSEF_TOKEN_{ALFA}", wrong)

    found = await findings_of(settings, "ksef", "credentials")

    ((text, mend),) = problems(found["ksef"]).items()
    assert text == (
        "Nip:7010000117: KSeF refuses the login with env:KSEF_TOKEN_7010000117 (login-token-refused)"
    )
    assert mend.startswith("make a new token for this context in KSeF")
    assert wrong[:20] not in repr(found)


async def test_a_credential_that_is_not_there_is_named(
    settings: SenderSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(f"KSEF_TOKEN_{ALFA}")

    found = await findings_of(settings, "ksef", "credentials")

    assert problems(found["credentials"]) == {
        "7010000117: cannot read the secret env:KSEF_TOKEN_7010000117: KeyError": (
            "put the KSeF token there; the sender's account must read it"
        )
    }
    assert (
        Finding("warning", "Nip:7010000117: not logged in", "see what is found about credentials")
        in found["ksef"]
    )


async def test_a_clock_that_is_wrong_is_found_against_postgres_and_ksef(settings: SenderSettings) -> None:
    found = await findings_of(settings, "clock", "ksef", ahead=timedelta(minutes=5))

    for part in ("clock", "ksef"):
        (text,) = problems(found[part])
        told = re.match(r"this machine's clock is ([0-9.]+) s ahead of ", text)
        assert told is not None
        # KSeF tells its time in whole seconds.
        assert 298 <= float(told[1]) <= 302


async def test_no_finding_shows_a_secret(settings: SenderSettings, prepared: Prepared) -> None:
    installation = Installation(settings, clock=clock.now)
    shown = json.dumps(as_json(await examine(parts_of(installation), seconds=20)))

    secrets = [value for name, value in prepared.environ.items() if "TOKEN" in name or "MASTER" in name]
    password = urlsplit(prepared.environ["KSEF_POSTGRES__DSN"]).password or ""
    assert [secret for secret in [*secrets, password] if secret[:20] in shown] == []
