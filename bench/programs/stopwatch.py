"""Times the steps of a program from inside, the same way whether it is watched or not.

With `BENCH_TURNS` set (a folder with the pipes `ready` and `go`) the program takes turns with others: it says that it
is ready, waits for its turn, trains for `TURN` seconds (at first for `WARM_UP_STEPS`), and so on until `go` is closed.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from time import perf_counter

TURN = 0.2
WARM_UP_STEPS = 20


def laps(steps: int) -> Iterator[int]:
    """Count the steps like `range`; while turns are taken, without end. Results go to the file named by `BENCH_OUT`."""
    out, folder = os.environ.get("BENCH_OUT"), os.environ.get("BENCH_TURNS")
    first_step = perf_counter()
    turns: list[list[float]] = []
    if folder is None:
        yield from range(steps)
    else:
        ready = Path(folder, "ready").open("wb", buffering=0)  # noqa: SIM115
        go = Path(folder, "go").open("rb", buffering=0)  # noqa: SIM115
        numbers = count()
        while ready.write(b".") and go.read(1):
            turn: list[float] = []
            turn_began = began = perf_counter()
            while len(turn) < WARM_UP_STEPS if not turns else began - turn_began < TURN:
                yield next(numbers)
                ended = perf_counter()
                turn.append(ended - began)
                began = ended
            turns.append(turn)

    if out is not None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        result = {"first_step": first_step, "turns": turns, "steps": steps, "peak_rss": peak}
        Path(out).write_text(json.dumps(result))
