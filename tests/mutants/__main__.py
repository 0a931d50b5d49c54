"""``make mutants``: bugs made by hand, each as a patch on a copy of the tree, that the tests must catch.

A patch in ``patches/`` begins with what the bug is, what harm it does, and which tests must fail for it.
First those tests run on an unchanged copy, where all must pass; then on one copy per patch, where some must
fail: by an assertion, not because nothing could be run. Exit code 1 when a bug was not caught.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack import local
from stack.local import Addresses
from tests.support.own_stack import SETTINGS

ROOT = Path(__file__).parents[2]
PATCHES = Path(__file__).parent / "patches"
REPORT = ROOT / "docs" / "reports" / "mutants.md"
RUN_SECONDS = 900
_FAILED = re.compile(r"^FAILED (\S+)", re.MULTILINE)
# pytest's exit codes: some failed; stopped at the first that failed. A test that could not run is an ERROR.
_TESTS_FAILED = (1, 2)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug. ``tests`` are the files that must catch it."""

    name: str
    bug: str
    harm: str
    tests: tuple[str, ...]
    patch: Path

    @classmethod
    def read(cls, path: Path) -> "Mutant":
        fields = dict(re.findall(r"^(Bug|Harm|Caught-by): (.+)$", path.read_text("utf-8"), re.MULTILINE))
        tests = tuple(fields["Caught-by"].split())
        return cls(path.stem, fields["Bug"], fields["Harm"], tests, path)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant: the first test that failed, or why it was not caught."""

    mutant: Mutant
    caught_by: str | None
    seconds: float
    trouble: str = ""


def mutants(names: Sequence[str] = ()) -> list[Mutant]:
    """All of them, or those named."""
    found = [Mutant.read(path) for path in sorted(PATCHES.glob("*.patch"))]
    unknown = set(names) - {mutant.name for mutant in found}
    if unknown:
        raise SystemExit(f"no such mutant: {', '.join(sorted(unknown))}")
    return [mutant for mutant in found if not names or mutant.name in names]


@contextmanager
def copied_tree(patch: Path | None = None) -> Iterator[Path]:
    """The tree as it stands here, with a patch applied."""
    with tempfile.TemporaryDirectory(prefix="courier-mutant-") as directory:
        copy = Path(directory) / "tree"
        ignored = shutil.ignore_patterns(".git", ".venv", ".run", "__pycache__", ".*_cache", ".hypothesis")
        shutil.copytree(ROOT, copy, ignore=ignored)
        if patch is not None:
            subprocess.run(["git", "apply", str(patch)], cwd=copy, check=True)
        yield copy


def run(tree: Path, tests: Sequence[str], addresses: Addresses) -> subprocess.CompletedProcess[str]:
    """Run tests in a copy, on servers that are up already."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree),
        "KSEF_KAFKA__BOOTSTRAP_SERVERS": addresses.kafka_bootstrap,
        "KSEF_POSTGRES__DSN": addresses.postgres_dsn,
    }
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "2", *tests]
    return subprocess.run(
        command, cwd=tree, env=environment, check=False, capture_output=True, text=True, timeout=RUN_SECONDS
    )


def try_mutant(mutant: Mutant, addresses: Addresses) -> Verdict:
    started = time.monotonic()
    with copied_tree(mutant.patch) as tree:
        done = run(tree, mutant.tests, addresses)
    seconds = time.monotonic() - started
    failed = _FAILED.search(done.stdout)
    if done.returncode in _TESTS_FAILED and failed is not None:
        return Verdict(mutant, failed[1], seconds)
    trouble = (
        "every test passed" if done.returncode == 0 else f"the tests could not run:\n{done.stdout[-2000:]}"
    )
    return Verdict(mutant, None, seconds, trouble)


def report(verdicts: Sequence[Verdict]) -> str:
    """The page for docs/reports."""
    rows = [
        f"| `{verdict.mutant.name}` | {verdict.mutant.bug} | {verdict.mutant.harm} | {_caught(verdict)} |"
        for verdict in verdicts
    ]
    caught = sum(verdict.caught_by is not None for verdict in verdicts)
    return "\n".join(
        [
            "# Mutants",
            "",
            "Bugs made by hand, each as a patch on a copy (`tests/mutants/patches`), and what caught it.",
            f"Written by `make mutants`: {caught} of {len(verdicts)} caught.",
            "",
            "| mutant | the bug | what it would do | caught by |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _caught(verdict: Verdict) -> str:
    return f"`{verdict.caught_by}`" if verdict.caught_by else "**not caught**"


def main(names: Sequence[str]) -> int:
    wanted = mutants(names)
    directory = Path(tempfile.mkdtemp(prefix="courier-mutants-"))
    try:
        addresses = local.up(directory, durable=False, settings=SETTINGS)
        tests = sorted({test for mutant in wanted for test in mutant.tests})
        with copied_tree() as tree:
            unchanged = run(tree, tests, addresses)
        if unchanged.returncode != 0:
            sys.stderr.write(
                f"{unchanged.stdout[-4000:]}\nthe unchanged tree fails these tests: nothing is shown\n"
            )
            return 1
        sys.stdout.write(f"unchanged tree: {', '.join(tests)} pass\n")
        verdicts = []
        for mutant in wanted:
            verdict = try_mutant(mutant, addresses)
            verdicts.append(verdict)
            sys.stdout.write(
                f"{mutant.name}: {verdict.caught_by or verdict.trouble} ({verdict.seconds:.0f} s)\n"
            )
            sys.stdout.flush()
    finally:
        local.down(directory, settings=SETTINGS)
    if not names:
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(report(verdicts), "utf-8")
    return 0 if all(verdict.caught_by for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
