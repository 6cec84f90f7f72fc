"""What watching costs: each program runs bare and under `torchward run`, by turns, in one call.

    python bench/overhead.py [--rounds 6] [--seconds 20] [--program mlp]... [--steps N]

How it measures
step time
    Three processes of the program run at once: bare, watched, and bare again. They take turns of 0.2 s or one step,
    whichever is longer, and wait between them, so that each turn has neighbours under the same load of the machine. The
    steps are timed by the program itself, loading of the batch included. The first 20 are dropped. A ratio is the
    median step of a watched turn divided by the mean of those of the two bare turns beside it. The median over all
    turns counts. The ratio of the two bare processes, taken in the same way, shows what noise alone does.
    A median does not see a cost that falls on one step in fifty. So the ratio of means is shown too; it is an upper
    bound, because torchward keeps to a share of the wall time, and here that is three times the training time.
start-up
    From spawning the command until the program begins its first step, in short runs by turns. The least of each kind
    counts, since noise only adds. `start to end` is the same for the whole command, the final report included.
memory, log, supervisor
    From one undisturbed run of each kind. The program's default length is prolonged to 20 s where this machine is
    through sooner, so that fixed costs are weighed alike on all. Memory is the program's own peak as the kernel
    counts it. The log is all bytes under the run folder's `logs/` after 1,000 steps; a run that is shorter is
    continued as its second half went. The supervisor's CPU time is read when the command has ended and before it is
    reaped: then the kernel still tells its own time from that of the children that it waited for (Linux only).
torchward --help
    Least of 20 runs, minus the least of 20 runs of `python -c pass`, by turns.

torchward's modules are compiled first, as an installer does: `PYTHONDONTWRITEBYTECODE` would have each run do it anew.

Exits with 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import compileall
import json
import math
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from statistics import fmean, median
from typing import Any

HERE = Path(__file__).resolve().parent
TORCHWARD = Path(sys.executable).with_name("torchward")

STEP_BARS = {"mlp": 1.02, "resnet": 1.02, "gpt": 1.02, "tiny": 1.05}
STARTUP_BAR = 0.3
MEMORY_BAR = 40e6
LOG_BAR = 1e6
SUPERVISOR_BAR = 0.02
ALONE_SECONDS = 20.0
"""Least length of an undisturbed run whose steps were not given."""
HELP_BAR = 0.060


class Process:
    """One run of one program, in a folder of its own."""

    def __init__(self, program: str, folder: Path, steps: int | None, *, watched: bool, turns: bool = False) -> None:
        self.program, self.folder = program, folder
        folder.mkdir()
        environment = {**os.environ, "BENCH_OUT": str(folder / "out.json")}
        if turns:
            environment["BENCH_TURNS"] = str(folder)
            os.mkfifo(folder / "ready")
            os.mkfifo(folder / "go")
        head: list[str | Path] = [TORCHWARD, "run", "--run-dir", folder / "run"] if watched else [sys.executable]
        tail: list[str | Path] = [] if steps is None else ["--steps", str(steps)]
        with (folder / "stderr").open("wb") as stderr:
            self.spawned = time.perf_counter()
            self.child = subprocess.Popen(
                [*head, HERE / "programs" / f"{program}.py", *tail],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )

    def wait(self) -> dict[str, Any]:
        """What the program wrote about itself, and the whole command's wall time and CPU times."""
        os.waitid(os.P_PID, self.child.pid, os.WEXITED | os.WNOWAIT)
        wall = time.perf_counter() - self.spawned
        own, children = cpu_seconds(self.child.pid)
        if self.child.wait() != 0:
            self.fail(f"exited with {self.child.returncode}")
        result: dict[str, Any] = json.loads((self.folder / "out.json").read_text())
        # Both processes read the system's one monotonic clock.
        result["startup"] = result["first_step"] - self.spawned
        return {**result, "wall": wall, "own": own, "children": children}

    def fail(self, what: str) -> None:
        sys.exit(f"bench: {self.program} {what}\n{(self.folder / 'stderr').read_text(errors='replace')}")


def cpu_seconds(pid: int) -> tuple[float, float]:
    """CPU time of a process that has ended but is not reaped: its own, and that of the children it waited for."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0, 0.0
    user, system, child_user, child_system = (int(word) for word in stat.rpartition(")")[2].split()[11:15])
    tick = os.sysconf("SC_CLK_TCK")
    return (user + system) / tick, (child_user + child_system) / tick


@dataclass
class Steps:
    """Step times of one program: a median, a mean and a noise ratio per round, ratios per turn."""

    ratios: list[float] = field(default_factory=list)
    noise: list[float] = field(default_factory=list)
    per_round: list[float] = field(default_factory=list)
    means: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)


def opened(stack: ExitStack, path: Path, flags: int) -> int:
    descriptor = os.open(path, flags)
    stack.callback(os.close, descriptor)
    return descriptor


def by_turns(program: str, seconds: float, steps: Steps) -> None:
    """One round: bare, watched and bare processes that take turns."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        kinds = {"bare": False, "watched": True, "again": False}
        processes = [
            Process(program, Path(name, kind), None, watched=watched, turns=True) for kind, watched in kinds.items()
        ]
        # Neither way of opening waits for the other side, so a program that fails early is noticed.
        ready = [opened(stack, process.folder / "ready", os.O_RDONLY | os.O_NONBLOCK) for process in processes]
        go = [opened(stack, process.folder / "go", os.O_RDWR) for process in processes]

        def wait_for(number: int) -> None:
            while not select.select([ready[number]], [], [], 1)[0]:
                if processes[number].child.poll() is not None:
                    processes[number].fail("ended before its time")
            if not os.read(ready[number], 1):
                processes[number].fail("ended before its time")

        for number in range(3):
            wait_for(number)
        order, until = [0, 1, 2], None
        while until is None or time.perf_counter() < until:
            for number in order:
                os.write(go[number], b".")
                wait_for(number)
            order.reverse()
            until = until or time.perf_counter() + seconds  # the first turns only warm up
        stack.close()
        first, watched, second = (process.wait()["turns"][1:] for process in processes)

    ratios = []
    for a, b, c in zip(first, watched, second, strict=True):
        ratios.append(2 * median(b) / (median(a) + median(c)))
        steps.noise.append(median(c) / median(a))
        steps.bare.append(median(a + c))
    steps.ratios += ratios
    steps.per_round.append(median(ratios))
    steps.means.append(fmean(chain(*watched)) / fmean(chain(*first, *second)))


@dataclass
class Alone:
    """What one undisturbed run of each kind showed."""

    seconds: float
    memory: float
    log: float
    supervisor: float | None
    findings: list[str]


def alone(program: str, steps: int | None) -> Alone:
    with tempfile.TemporaryDirectory() as name:
        bare = Process(program, Path(name, "bare"), steps, watched=False).wait()
        if steps is None and bare["wall"] < ALONE_SECONDS:
            steps = math.ceil(bare["steps"] * ALONE_SECONDS / bare["wall"])
            bare = Process(program, Path(name, "longer"), steps, watched=False).wait()
        process = Process(program, Path(name, "watched"), steps, watched=True)
        watched = process.wait()
        logs = [path.read_bytes() for path in (process.folder / "run" / "logs").glob("*")]
        if not any(logs):
            process.fail("was not recorded")
        logged = sum(bytes_per_thousand_steps(log, watched["steps"]) for log in logs)
        findings = json.loads((process.folder / "run" / "findings.json").read_text())["findings"]
    cpu = watched["own"] + watched["children"]
    return Alone(
        seconds=watched["wall"],
        memory=watched["peak_rss"] - bare["peak_rss"],
        log=logged,
        supervisor=watched["own"] / cpu if cpu else None,
        findings=sorted({finding["code"] for finding in findings}),
    )


def bytes_per_thousand_steps(log: bytes, steps: int) -> float:
    """Bytes of a log after 1,000 steps; a shorter run goes on as its second half did, which is too much."""
    if steps >= 1000:
        return len(log) * 1000 / steps
    half = 0
    for line in log.splitlines(keepends=True):
        row = json.loads(line)
        if row.get("k") == "cy" and row.get("s", 0) >= steps / 2:
            break
        half += len(line)
    return len(log) + (len(log) - half) / (steps / 2) * (1000 - steps)


def startup(pairs: int) -> tuple[float, float]:
    """What is added from spawning until the first step, and from spawning until the end."""
    least: dict[bool, tuple[float, float]] = {}
    for _ in range(pairs):
        for watched in (False, True):
            with tempfile.TemporaryDirectory() as name:
                run = Process("tiny", Path(name, "run"), 1, watched=watched).wait()
            begun, ended = least.get(watched, (run["startup"], run["wall"]))
            least[watched] = min(begun, run["startup"]), min(ended, run["wall"])
    return least[True][0] - least[False][0], least[True][1] - least[False][1]


def help_seconds() -> float:
    """How much longer `torchward --help` takes than `python -c pass`."""

    def seconds(*command: str | Path) -> float:
        began = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - began

    pairs = [(seconds(sys.executable, "-c", "pass"), seconds(TORCHWARD, "--help")) for _ in range(20)]
    return min(asked for _, asked in pairs) - min(bare for bare, _ in pairs)


class Table:
    """Rows of measures, a column per program; remembers which bars were missed."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.rows: list[list[str]] = [["", *columns, "bar"]]
        self.missed: list[str] = []

    def add(self, label: str, values: Sequence[float | None], form: str, bars: Sequence[float] = ()) -> None:
        cells = []
        for column, value in enumerate(values):
            text = "not measured" if value is None else form.format(value)
            if bars and value is not None and value > bars[column]:
                text += " MISSED"
                self.missed.append(f"{label}, {self.rows[0][1 + column]}")
            cells.append(text)
        self.rows.append([label, *cells, " / ".join(dict.fromkeys(form.format(bar) for bar in bars))])

    def add_text(self, label: str, cells: Sequence[str]) -> None:
        self.rows.append([label, *cells, ""])

    def __str__(self) -> str:
        widths = [max(map(len, column)) for column in zip(*self.rows, strict=True)]
        lines = (
            [label.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))]
            for label, *cells in self.rows
        )
        return "\n".join("  ".join(line).rstrip() for line in lines)


def span(values: Sequence[float]) -> str:
    return f"{min(values):.3f} to {max(values):.3f}"


def tabulate(steps: dict[str, Steps], solo: dict[str, Alone]) -> Table:
    table, timed, alones = Table(list(steps)), list(steps.values()), list(solo.values())
    table.add("median step, bare (ms)", [median(s.bare) * 1e3 for s in timed], "{:.3f}")
    bars = [STEP_BARS[program] for program in steps]
    table.add("median step, watched / bare", [median(s.ratios) for s in timed], "{:.3f}", bars)
    table.add_text("  per round", [span(s.per_round) for s in timed])
    table.add("  bare / bare", [median(s.noise) for s in timed], "{:.3f}")
    table.add("mean step, watched / bare", [median(s.means) for s in timed], "{:.3f}")
    table.add_text("  per round", [span(s.means) for s in timed])
    table.add("memory in the program (MB)", [a.memory / 1e6 for a in alones], "{:+.1f}", [MEMORY_BAR / 1e6] * len(solo))
    table.add("log per 1,000 steps (kB)", [a.log / 1e3 for a in alones], "{:.0f}", [LOG_BAR / 1e3] * len(solo))
    share = [None if a.supervisor is None else a.supervisor * 100 for a in alones]
    table.add("supervisor's share of CPU time (%)", share, "{:.2f}", [SUPERVISOR_BAR * 100] * len(solo))
    table.add("  of a run of (s)", [a.seconds for a in alones], "{:.0f}")
    table.add_text("findings (the programs are sound)", [" ".join(a.findings) or "none" for a in alones])
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what watching costs.")
    parser.add_argument("--rounds", type=int, default=6, help="how often the three processes are started (default 6)")
    parser.add_argument("--seconds", type=float, default=20, help="for how long they take turns (default 20)")
    parser.add_argument("--program", action="append", choices=STEP_BARS, help="only this one; may be repeated")
    parser.add_argument("--steps", type=int, help="steps of an undisturbed run, instead of the program's default")
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds must be at least 1")

    compileall.compile_dir(HERE.parent / "src" / "torchward", quiet=1)
    startup(1)  # fills the file cache
    begun, ended = startup(8)
    asked = help_seconds()
    steps: dict[str, Steps] = {}
    solo: dict[str, Alone] = {}
    for program in dict.fromkeys(args.program or STEP_BARS):
        steps[program] = Steps()
        for number in range(1, args.rounds + 1):
            by_turns(program, args.seconds, steps[program])
            print(f"{program} {number}/{args.rounds}: {steps[program].per_round[-1]:.3f}", file=sys.stderr)
        solo[program] = alone(program, args.steps)

    table = tabulate(steps, solo)
    print(f"\n{table}\n")
    fixed = (("start-up until the first step (s)", begun, STARTUP_BAR), ("torchward --help (s)", asked, HELP_BAR))
    for label, value, bar in fixed:
        print(f"{label}: {value:+.3f}{' MISSED' if value > bar else ''} (bar {bar:.2f})")
        table.missed += [label] if value > bar else []
    print(f"start to end of a run of one step (s): {ended:+.3f}")
    if table.missed:
        print(f"\nmissed: {'; '.join(table.missed)}")
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
