"""Both local servers together: brought up once, kept, killed, restarted and removed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import local
from stack.account import Account
from stack.waiting import until
from tests.support.own_stack import PYTHONPATH, SETTINGS, own_directory, own_environment
from tests.support.stack_clients import create_topic, execute, first_record, publish, value_of

NOBODY = Account(uid=65_534, gid=65_534)

UP = """
import json, sys
from pathlib import Path
from stack import local
addresses = local.up(Path(sys.argv[1]), durable=False)
status = local.status(Path(sys.argv[1]))
print(json.dumps([addresses.kafka_bootstrap, addresses.postgres_dsn, status.kafka.pid, status.postgres.pid]))
"""


@pytest.fixture
def home() -> Iterator[Path]:
    with own_directory() as directory:
        yield directory


def kill_9(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def leftovers() -> set[str]:
    """What Java and PostgreSQL are known to leave outside their directories."""
    temporary, shared = Path(tempfile.gettempdir()), Path("/dev/shm")  # noqa: S108  looked at, not written to
    patterns = [(temporary, name) for name in ("*.so", ".s.PGSQL*", "hsperfdata_*/*")]
    return {str(path) for place, name in [*patterns, (shared, "PostgreSQL.*")] for path in place.glob(name)}


def test_parallel_callers_get_one_pair_of_servers_and_down_leaves_nothing(home: Path) -> None:
    before = leftovers()
    command = [sys.executable, "-c", UP, str(home)]
    callers = [subprocess.Popen(command, stdout=subprocess.PIPE, env=own_environment()) for _ in range(2)]
    first, second = (json.loads(caller.communicate(timeout=120)[0]) for caller in callers)
    addresses = local.up(home, durable=False, settings=SETTINGS)

    assert first == second
    assert [addresses.kafka_bootstrap, addresses.postgres_dsn] == first[:2]

    local.down(home, settings=SETTINGS)

    assert not home.exists()
    assert until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in first[2:]), seconds=10)
    # Other tests start servers meanwhile, whose initdb uses /dev/shm for a moment.
    assert until(lambda: leftovers() <= before, seconds=20)


def test_only_the_killed_part_is_started_again_at_its_address(home: Path) -> None:
    addresses = local.up(home, durable=False, settings=SETTINGS)
    first = local.status(home, settings=SETTINGS)

    kill_9(first.kafka.pid)
    assert until(lambda: local.status(home, settings=SETTINGS).kafka.condition == "stopped", seconds=10)
    assert local.up(home, durable=False, settings=SETTINGS) == addresses
    second = local.status(home, settings=SETTINGS)
    kill_9(second.postgres.pid)
    assert until(lambda: local.status(home, settings=SETTINGS).postgres.condition == "stopped", seconds=10)
    assert local.up(home, durable=False, settings=SETTINGS) == addresses
    third = local.status(home, settings=SETTINGS)

    assert second.kafka.pid != first.kafka.pid
    assert second.postgres.pid == first.postgres.pid
    assert third.kafka.pid == second.kafka.pid
    assert third.postgres.pid != second.postgres.pid


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
    place = Path(tempfile.mkdtemp(prefix="courier-stack-"))
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
