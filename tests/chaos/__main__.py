"""``make chaos``."""
import argparse, asyncio, logging, signal, sys, time
from pathlib import Path
from tests.chaos.checker import judge, shown, proofs_of_repeats
from tests.chaos.experiment import Options, run, End
from tests.chaos.plan import NOTHING, dose_for
from collections import Counter

async def main() -> int:
    p = argparse.ArgumentParser()
    p.add_argument("--minutes", type=float, default=1)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--documents", type=int, default=1000)
    p.add_argument("--calm", action="store_true")
    p.add_argument("--directory", type=Path)
    a = p.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    o = Options(seed=a.seed, seconds=a.minutes*60, documents=a.documents, dose=NOTHING if a.calm else dose_for(a.minutes), heal_seconds=180, directory=a.directory)
    seen = await run(o, say=lambda t: print(t, flush=True), stop=stop)
    for v in judge(seen.history, complete=seen.end is not End.INTERRUPTED):
        print("HOLDS" if v.holds else "BROKEN", v.name)
        for line in shown(v): print("   ", line)
    print(seen.end, seen.flow_seconds, len(seen.history.documents)/seen.flow_seconds)
    print(proofs_of_repeats(seen.history), seen.faults, seen.calls_spoiled, seen.ended_by_themselves, seen.session_events)
    print(Counter(e.event for e in seen.history.journal))
    return 0

sys.exit(asyncio.run(main()))
