"""What reading a log costs: CPU time and memory of `torchward explain` on long logs of several kinds.

    python bench/explain.py [--megabytes 100] [--kind NAME]...

Each log is made up, written to a temporary file, and explained by a process of its own, which reports its CPU time (so
that a machine busy with other things counts less) and its peak memory as the kernel counts it. At the end of each log
stands one crash, which must be found and explained, or the run fails whatever it cost.

Exits with 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

SECONDS_BAR = 5.0
MEMORY_BAR = 300e6
"""For 100 MB of log."""

BAR = "\r 12%|█▏  | 3/25 [00:01<00:08, 2.7it/s]"
EPOCH = "epoch {n} step {n} | loss 0.4312 | val error: 0.02 | memory 12.1 GiB | 31.2 it/s\n"
SURVIVED = "ERROR worker: ValueError: skipping a broken file number {n}\n"
WARNING = "/opt/env/lib/python3.11/site-packages/torch/nn/modules/lazy.py:180: UserWarning: warning number {n}\n"
JOURNAL = "2026-03-04T05:06:07.123456Z [rank{r}]: INFO:root:step {n} loss 0.431 grad norm 0.9 tokens/s 10233\n"
RETRIED = (
    "Traceback (most recent call last):\n"
    '  File "/home/u/data.py", line {n}, in __getitem__\n'
    "    return self.load(path)\n"
    "OSError: [Errno 5] cannot read sample {n}\n"
)
KINDS = {
    "epochs": EPOCH,
    "bar": BAR,
    "errors": SURVIVED,
    "tracebacks": RETRIED,
    "warnings": WARNING,
    "ranks": JOURNAL,
    "mixed": EPOCH * 20 + BAR * 30 + "\n" + WARNING + SURVIVED + JOURNAL * 8,
    "one-line": "tensor([0.1234, 0.2345, 0.3456, 0.4567, {n}], ",
}
CRASH = (
    "\nTraceback (most recent call last):\n"
    '  File "/home/u/net.py", line 12, in forward\n'
    "    x = self.fc1(x)\n"
    "RuntimeError: mat1 and mat2 shapes cannot be multiplied (64x9216 and 400x120)\n"
)
READER = """
import json, resource, sys, time
begin = time.process_time()
from torchward.collect import log
from torchward.engine import explain
with open(sys.argv[1], "rb") as file:
    found = explain(log.read(file))
seconds = time.process_time() - begin
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
try:  # what this process inherited from its parent does not count
    with open("/proc/self/status", encoding="ascii") as status:
        peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
except OSError:
    pass
print(json.dumps([seconds, peak, [one.rule.code for one in found]]))
"""


def write_log(path: Path, unit: str, size: int) -> None:
    """A log of about `size` bytes: the unit again and again, numbered, and a crash at its end."""
    written = number = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        while written < size:
            part = "".join(unit.replace("{n}", str(number + k)).replace("{r}", str(k % 8)) for k in range(500))
            written += len(part.encode())
            number += 500
            file.write(part)
        file.write(CRASH)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--kind", action="append", choices=sorted(KINDS))
    options = parser.parse_args(argv)
    seconds_bar = SECONDS_BAR * max(1.0, options.megabytes / 100)
    missed = 0
    print(f"{options.megabytes} MB of each kind; bars: {seconds_bar:g} s of CPU time, {MEMORY_BAR / 1e6:g} MB")
    for kind in options.kind or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "train.log"
            write_log(path, KINDS[kind], options.megabytes * 10**6)
            done = subprocess.run(
                [sys.executable, "-c", READER, str(path)], capture_output=True, text=True, check=True, timeout=600
            )
        seconds, peak, codes = json.loads(done.stdout)
        good = seconds <= seconds_bar and peak <= MEMORY_BAR and codes == ["ERR100"]
        missed += not good
        told = "" if codes == ["ERR100"] else f", explained as {codes}"
        print(f"{'ok    ' if good else 'MISSED'} {kind:11} {seconds:5.2f} s  {peak / 1e6:5.0f} MB{told}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
