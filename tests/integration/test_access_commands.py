"""``ksef-courier topics acl`` as people call it: what it prints, and how it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.config_files import read_config
from runtime import config
from runtime.db import Database
from stack.local import Addresses

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
async def environ(database: str, pool: Database, stack: Addresses) -> dict[str, str]:
    """Of an installation with the samples' two sources, on a Kafka without an authorizer."""
    files = read_config(REPOSITORY / "samples/config")
    await config.apply(
        pool, sources=files.sources, companies=files.companies, applied_by="test", reason=None, dry_run=False
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KSEF_")}
    return kept | {
        "KSEF_ENVIRONMENT": "test",
        "KSEF_KAFKA__BOOTSTRAP_SERVERS": stack.kafka_bootstrap,
        "KSEF_KAFKA__TOPIC_PREFIX": "team1.",
        "KSEF_POSTGRES__DSN": database,
    }


def run(environ: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cli", "topics", "acl", *arguments],
        env=environ,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_table_shows_each_principal_with_its_rights(environ: dict[str, str]) -> None:
    done = run(environ)

    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["User:team1.erp-shop", "Write", "topic", "team1.erp.shop.sales.v1"] in lines
    assert ["User:team1.erp-sap-north", "Read", "group", "team1.erp.sap-north.*"] in lines
    assert done.returncode == 0


def test_json_has_one_object_per_acl(environ: dict[str, str]) -> None:
    done = run(environ, "--json")

    assert {
        "principal": "User:team1.ksef-intake",
        "resource": "topic",
        "name": "team1.erp.shop.sales.v1",
        "pattern": "literal",
        "operation": "Read",
        "permission": "allow",
        "host": "*",
    } in json.loads(done.stdout)


def test_commands_can_be_pasted_into_a_shell(environ: dict[str, str]) -> None:
    done = run(environ, "--commands")

    assert (
        'kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_PROPERTIES" '
        "--add --allow-principal User:team1.erp-shop --operation Read --group team1.erp.shop. "
        "--resource-pattern-type prefixed"
    ) in done.stdout.splitlines()


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["--prune"], 2, "belong to --apply"),
        (["--dry-run"], 2, "belong to --apply"),
        (["--commands", "--apply"], 2, "--commands stands alone"),
        (["--apply", "--dry-run"], 78, "the brokers have no authorizer"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_refused_with_its_exit_code(
    environ: dict[str, str], arguments: list[str], code: int, complaint: str
) -> None:
    done = run(environ, *arguments)

    assert (done.returncode, done.stdout) == (code, "")
    assert complaint in done.stderr


def test_a_broker_that_is_away_is_an_error_in_one_line(environ: dict[str, str]) -> None:
    done = run(environ | {"KSEF_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9"}, "--apply")

    assert done.returncode == 1
    assert done.stderr.startswith("error: KafkaConnectionError: Unable to bootstrap")
