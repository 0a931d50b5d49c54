"""Starting, recognising and stopping processes that outlive their starter.

A process is known by its number *and* its start: a number alone may by now belong to somebody else, and a
signal is sent only where both agree.
"""

import atexit
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stack.account import Account
from stack.errors import StackError, StartFailed
from stack.waiting import until

_PROC = Path("/proc")
_STATE, _START_TIME = 0, 19  # fields of /proc/<pid>/stat, counted after the command (proc_pid_stat(5): 3, 22)
_TAIL_LINES = 20

# Children of this very process, kept so that they are reaped when they end.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class Process:
    """``started`` is opaque: two processes with the same number never share it, not even over a reboot."""

    pid: int
    started: str


def spawn(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    log: Path,
    account: Account | None = None,
) -> Process:
    """Start ``command`` in a session of its own, so that Ctrl-C at the caller's terminal does not reach it.

    Standard output and error are appended to ``log``, which is opened with the caller's rights.
    """
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603  the commands are built in this package, no shell
            command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    _children[child.pid] = child
    return Process(pid=child.pid, started=_start_mark(child.pid) or "ended at once")


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    seconds: float,
    account: Account | None = None,
) -> None:
    """Run ``command`` to its end. Raises :class:`StartFailed` with the end of its output."""
    name = Path(command[0]).name
    try:
        done = subprocess.run(  # noqa: S603  the commands are built in this package, no shell
            command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
            umask=0o077,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except subprocess.TimeoutExpired as error:
        raise StartFailed(f"{name} did not end within {seconds:.0f} s") from error
    if done.returncode != 0:
        raise StartFailed(f"{name} failed (exit code {done.returncode}):\n{tail(done.stdout)}")


def is_running(process: Process | None) -> bool:
    """Whether that very process is alive. One that ended and was not yet reaped is not."""
    if process is None:
        return False
    if _start_mark(process.pid) == process.started:
        return True
    if (child := _children.get(process.pid)) is not None:
        child.poll()
    return False


def send(process: Process | None, number: signal.Signals) -> None:
    """Signal the process if it is still the one that we know; otherwise do nothing."""
    if process is not None and is_running(process):
        os.kill(process.pid, number)


def stop(process: Process | None, *steps: tuple[signal.Signals, float]) -> None:
    """Send each signal in turn and wait its number of seconds; return as soon as the process is gone.

    A process that is gone already, or whose number belongs to another one by now, is left alone.
    """
    for number, seconds in steps:
        send(process, number)
        if until(lambda: not is_running(process), seconds=seconds, every_seconds=0.02):
            return
    raise StackError(f"process {process.pid if process else '-'} did not end on {steps[-1][0].name}")


@atexit.register
def _let_go() -> None:
    """What still runs when this process ends is meant to: ``Popen`` need not warn of it."""
    for child in _children.values():
        if child.poll() is None:
            child.returncode = 0


def tail(output: bytes) -> str:
    """The last lines of a log, for an error's text."""
    lines = output.decode("utf-8", errors="replace").splitlines()[-_TAIL_LINES:]
    return "\n".join(f"  | {line}" for line in lines) or "  | (no output)"


def _start_mark(pid: int) -> str | None:
    """When the process started, in a form to compare; None when there is none or it has ended."""
    return _mark_from_proc(pid) if sys.platform == "linux" else _mark_from_ps(pid)


def _mark_from_proc(pid: int) -> str | None:
    try:
        line = (_PROC / str(pid) / "stat").read_bytes()
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command, in parentheses, may itself hold blanks and parentheses.
    fields = line.rpartition(b")")[2].split()
    return None if fields[_STATE] in {b"Z", b"X"} else f"{boot} {fields[_START_TIME].decode()}"


def _mark_from_ps(pid: int) -> str | None:
    done = subprocess.run(  # noqa: S603  fixed command, the only variable part is a number
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, check=False, text=True
    )
    state, _, started = done.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else started.strip()
