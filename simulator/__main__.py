"""``python -m simulator``: a local KSeF on two free ports, until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from simulator.policy import Delays, Policy, Profile
from simulator.rates import rates_named
from simulator.seed import SeedError, load_seed
from simulator.server import Options, serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 after a clean stop, 2 for a command line or a file that cannot be used."""
    given = _parser().parse_args(arguments)
    try:
        options = _options(given)
        asyncio.run(serve(options, ready_file=given.ready_file))
    except (SeedError, ValueError, OSError) as error:
        sys.stderr.write(f"simulator: {error}\n")
        return 2
    return 0


def _options(given: argparse.Namespace) -> Options:
    rates_named(given.limits)
    return Options(
        host=given.host,
        port=given.port,
        admin_port=given.admin_port,
        data=given.data,
        acceptance_log=given.acceptance_log,
        policy=Policy(profile=given.profile, open_world=given.open_world),
        delays=Delays().changed(dict(given.delay)),
        limits=given.limits,
        seed=() if given.seed is None else load_seed(given.seed),
        random_seed=given.random_seed,
        public_url=given.public_url,
    )


def _delay(text: str) -> tuple[str, tuple[float, float]]:
    """``verdict=0.5:2`` or ``verdict=1``; the name is checked where the names are known."""
    name, _, span = text.partition("=")
    least, _, most = span.partition(":")
    try:
        return name, (float(least), float(most or least))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: expected NAME=SECONDS or NAME=LEAST:MOST") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="simulator",
        description="A local KSeF 2.x: real HTTP, real cryptography, no ministry. For tests and rehearsals.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address of the API (default: %(default)s)")
    add("--port", type=int, default=0, help="port of the API (default: a free one)")
    add("--admin-port", type=int, default=0, help="port of the admin API on loopback (default: a free one)")
    add("--data", type=Path, metavar="DIR", help="keep everything here (default: in memory, forgotten)")
    add("--acceptance-log", type=Path, metavar="FILE", help="default: acceptance.jsonl in --data")
    add("--seed", type=Path, metavar="FILE", help="companies, tokens and grants, as YAML or JSON")
    add("--open-world", action="store_true", help="mint tokens for companies the seed does not name")
    add("--profile", type=Profile, choices=list(Profile), default=Profile.TEST, help="default: test")
    add("--limits", default="production", metavar="WHAT", help="production, off, or a factor such as 10")
    add(
        "--delay",
        type=_delay,
        action="append",
        default=[],
        metavar="NAME=LEAST:MOST",
        help="seconds of login, verdict, storage, closing or key_check, e.g. verdict=0.5:2 (repeatable)",
    )
    add("--random-seed", type=int, default=0, help="makes references and delays repeatable (default: 0)")
    add("--public-url", metavar="URL", help="base of presigned links (default: the address of the caller)")
    add("--ready-file", type=Path, metavar="FILE", help="write the line that tells the addresses here too")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
