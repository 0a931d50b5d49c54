"""One PostgreSQL server on 127.0.0.1, with a password and without a Unix socket.

Everything it writes is in its directory, shared memory included: removing the directory removes the server.
It may be stopped, killed and started again on the same port and data; with ``durable`` what it committed
survives a crash of the machine too.
"""

import os
import secrets
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from stack.account import Account, lent_account
from stack.errors import PortTaken, StackError, StartFailed
from stack.ports import HOST
from stack.postgres_binaries import find_binaries, readable_binaries
from stack.processes import Process, is_running, run, spawn, stop, tail
from stack.settings import Settings
from stack.waiting import blocking, until

READY_SECONDS = 60
SUPERUSER = "postgres"
OWNER = "ksef_courier"
"""The role that the product uses, and its database: may make databases and roles, is no superuser."""

_INITDB_SECONDS = 60
_STOP_STEPS = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 10.0))
_CONNECT_SECONDS = 30
_STATE_LINE = 8
_ORPHANS_SECONDS = 15

_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    # In the data directory and not in /dev/shm, where a killed server would leave it behind.
    "dynamic_shared_memory_type": "mmap",
    "max_connections": "200",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A failing statement and its details carry values of documents: they do not belong in a log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}

# The server's own words, in its log.
_PORT_TAKEN = b"Address already in use"
_ORPHANS = b"pre-existing shared memory block"

_HAS_OWNER = "select exists (select from pg_roles where rolname = $1)"
_HAS_DATABASE = "select exists (select from pg_database where datname = $1)"
_CREATE_OWNER = "create role {owner} login createdb createrole password '{password}'"
_CREATE_DATABASE = "create database {owner} owner {owner}"


@dataclass(frozen=True, slots=True)
class PostgresRuntime:
    """What a server is run with: its programs and, when the caller is root, the account lent to it."""

    binaries: Path
    account: Account | None

    @classmethod
    def find(cls, settings: Settings, *, copy: Path) -> "PostgresRuntime":
        """Find the programs; ``copy`` receives them when the account may not read them where they are."""
        account = lent_account()
        binaries = readable_binaries(find_binaries(settings), account, copy=copy)
        return cls(binaries=binaries, account=account)


class PostgresServer:
    """A server on a given port with its data in ``directory``, whether it runs or not.

    The log and, for a moment, the password file lie beside ``directory``: as root the directory belongs to
    the lent account, and root opens no file there. ``process`` attaches to a server started earlier.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int,
        password: str,
        durable: bool,
        process: Process | None = None,
    ) -> None:
        self.directory = directory
        self.port = port
        self.durable = durable
        self.process = process
        self._password = password
        self._log_offset = 0

    @property
    def dsn(self) -> str:
        """Address of the product's database for its owner. A secret: it carries the password."""
        return self._dsn(OWNER, OWNER)

    @property
    def superuser_dsn(self) -> str:
        """The same server for its superuser, who has the same password."""
        return self._dsn(SUPERUSER, SUPERUSER)

    @property
    def log(self) -> Path:
        return self.directory.with_name(f"{self.directory.name}.log")

    @property
    def is_running(self) -> bool:
        return is_running(self.process)

    def launch(self, runtime: PostgresRuntime) -> Process:
        """Make the data directory if there is none, start the server, and do not wait for it."""
        self._make_directory(runtime.account)
        if not (self._data / "PG_VERSION").exists():
            self._initdb(runtime)
        self._log_offset = self.log.stat().st_size if self.log.exists() else 0
        settings = _SETTINGS | {"port": str(self.port)} | ({} if self.durable else _NOT_DURABLE)
        options = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        self.process = spawn(
            [runtime.binaries / "postgres", "-D", self._data, *options],
            cwd=self.directory,
            env=self._env,
            log=self.log,
            account=runtime.account,
        )
        return self.process

    def wait_ready(self, *, seconds: float = READY_SECONDS) -> None:
        """Return when the owner can connect; the role and the database are made at the first time.

        Raises :class:`StartFailed` (or :class:`PortTaken`) when it ended or is not ready in time.
        """
        if until(lambda: not self.is_running or self._is_ready(), seconds=seconds) and self.is_running:
            return
        raise self._failure()

    def start(
        self, runtime: PostgresRuntime, *, launched: Callable[[Process], None] = lambda _: None
    ) -> None:
        """Launch and wait; on failure nothing is left running. ``launched`` hears of the process at once.

        After a kill the old server's children may live for a moment more: they are waited for.
        """
        try:
            if not until(lambda: self._starts(runtime, launched), seconds=_ORPHANS_SECONDS):
                raise StartFailed(f"processes of a killed server still use {self.directory}: end them first")
        except StackError:
            self.kill()
            raise

    def stop(self) -> None:
        """End the server in order (sessions are rolled back): about 0.1 s. Nothing when it is not running."""
        stop(self.process, *_STOP_STEPS)

    def kill(self) -> None:
        """End the server at once, as a power cut would end the process; the next start recovers."""
        stop(self.process, (signal.SIGKILL, 10.0))

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def _env(self) -> dict[str, str]:
        return {"PATH": os.defpath, "HOME": str(self.directory), "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def _dsn(self, user: str, database: str) -> str:
        return f"postgresql://{user}:{self._password}@{HOST}:{self.port}/{database}"

    def _starts(self, runtime: PostgresRuntime, launched: Callable[[Process], None]) -> bool:
        launched(self.launch(runtime))
        try:
            self.wait_ready()
        except _OrphansLeft:
            return False
        return True

    def _make_directory(self, account: Account | None) -> None:
        self.directory.mkdir(mode=0o700, exist_ok=True)
        if account is not None:
            os.chown(self.directory, account.uid, account.gid, follow_symlinks=False)

    def _initdb(self, runtime: PostgresRuntime) -> None:
        """Make the data directory under another name first: one that is there is complete."""
        partial = self.directory / "data.new"
        shutil.rmtree(partial, ignore_errors=True)
        options = ["--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", f"--username={SUPERUSER}"]
        sync = [] if self.durable else ["--no-sync"]
        with self._password_file(runtime.account) as password_file:
            run(
                [runtime.binaries / "initdb", "-D", partial, f"--pwfile={password_file}", *options, *sync],
                cwd=self.directory,
                env=self._env,
                seconds=_INITDB_SECONDS,
                account=runtime.account,
            )
        partial.rename(self._data)

    @contextmanager
    def _password_file(self, account: Account | None) -> Iterator[Path]:
        """The password where initdb reads it, and nobody else, for as long as the block lasts."""
        path = self.directory.with_name(f"{self.directory.name}.password")
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(self._password)
                if account is not None:
                    os.fchown(descriptor, account.uid, account.gid)
            yield path
        finally:
            path.unlink()

    def _is_ready(self) -> bool:
        return self._says_ready() and blocking(self._ensure_owner)

    def _says_ready(self) -> bool:
        """As the server says in ``postmaster.pid``: its process in the first line, its state in the eighth.

        To ask at the port could show the password to somebody who took that port first.
        """
        try:
            lines = (self._data / "postmaster.pid").read_text("utf-8").splitlines()
        except FileNotFoundError:
            return False
        pid = str(self.process.pid) if self.process else ""
        return len(lines) >= _STATE_LINE and lines[0] == pid and lines[_STATE_LINE - 1].strip() == "ready"

    async def _ensure_owner(self) -> bool:
        """Whether the owner's role and database are there now; False when the server just went away."""
        try:
            connection = await asyncpg.connect(self.superuser_dsn, timeout=_CONNECT_SECONDS)
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
            return False
        try:
            if not await connection.fetchval(_HAS_OWNER, OWNER):
                # DDL takes no parameters; the password is our own, of letters, digits, dash and underscore.
                await connection.execute(_CREATE_OWNER.format(owner=OWNER, password=self._password))
            if not await connection.fetchval(_HAS_DATABASE, OWNER):
                await connection.execute(_CREATE_DATABASE.format(owner=OWNER))
        except asyncpg.PostgresConnectionError:
            return False
        finally:
            await connection.close()
        return True

    def _failure(self) -> StartFailed:
        with self.log.open("rb") as file:
            file.seek(self._log_offset)
            log = file.read()
        state = "is not ready" if self.is_running else "ended"
        reason = PortTaken if _PORT_TAKEN in log else _OrphansLeft if _ORPHANS in log else StartFailed
        return reason(f"PostgreSQL on {HOST}:{self.port} {state}; the end of {self.log}:\n{tail(log)}")


class _OrphansLeft(StartFailed):
    """Children of a killed server still hold its shared memory."""


def new_password() -> str:
    """192 random bits of letters, digits, dash and underscore: fit for a DSN and for SQL without quoting."""
    return secrets.token_urlsafe(24)
