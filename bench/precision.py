"""How often torchward names the true cause, and how often it cries wolf: every program we have, run for real.

    python bench/precision.py [--jobs 2] [--public FOLDER] [NAME]...

What is run, each through `torchward run`, as a user would
examples    the broken and the sound example of every rule
programs    tests/programs: further programs of the rules' authors
corpus      tests/corpus: pairs written from a one-line description by people who had not read the rules
recipes     the programs in examples/; the recipes themselves, which take minutes each, are judged by `make test-long`
public      scripts of others, pinned by commit in bench/public.toml. Only with --public: they are cloned into FOLDER,
            which must lie outside of this repository, and run there on small bundled or made-up data.

A NAME selects the programs whose name contains it.

What is printed, by stage and by source
first       share of broken programs whose cause is the first finding
named       share of broken programs whose cause is among the findings or their symptoms
false       sound programs with a finding that is not true, by severity of the worst
cost        median share of the run's time that torchward spent in the program

A program says what is true of it in its first lines: `# expects: CODE [CODE]...` (any of these as the first finding) or
`# expects: nothing`, and `# also: CODE...` for what may be said besides. Exits with 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from torchward.engine import load_rules

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TORCHWARD = Path(sys.executable).with_name("torchward")
STAND_INS = HERE / "stand_ins"
"""A torchvision of a few classes over scikit-learn's digits, for machines where the real one is not installed."""

FIRST_BAR = 0.90
FALSE_BAR = 1 / 50
OF_TWO_RUNS = ("TRN014",)
"""What shows only when a program is run again."""
TIME_LIMIT = 300.0
"""Seconds for one program."""


@dataclass
class Program:
    source: str
    name: str
    command: list[str]
    expects: tuple[str, ...]
    """Codes of which one must come first; none for a sound program."""
    also: tuple[str, ...] = ()
    folder: Path | None = None
    """Where it is run; by default a new folder."""
    text: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def stage(self) -> str:
        return self.expects[0].rstrip("0123456789") if self.expects else "sound"


@dataclass
class Result:
    program: Program
    trouble: str = ""
    top: list[dict[str, Any]] = field(default_factory=list)
    every: list[str] = field(default_factory=list)
    cost: float | None = None

    @property
    def first(self) -> bool:
        return bool(self.top) and self.top[0]["code"] in self.program.expects

    @property
    def named(self) -> bool:
        return any(code in self.program.expects for code in self.every)

    @property
    def false(self) -> str:
        """The worst severity among what should not have been said."""
        allowed = {*self.program.expects, *self.program.also}
        said = {item["severity"] for item in self.top if item["code"] not in allowed}
        return next((severity for severity in ("error", "warning", "hint") if severity in said), "")


def headers(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a program says is true of it: (expected codes, further codes)."""
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines()[:4]:
        key, colon, rest = line.removeprefix("# ").partition(":")
        if colon and line.startswith("# "):
            found[key] = tuple(rest.split())
    expects = found.get("expects", ())
    return tuple(code for code in expects if code != "nothing"), found.get("also", ())


def local() -> Iterator[Program]:
    for code, rule in load_rules().items():
        if rule.checks and "import torch" in rule.bad:
            yield Program("examples", f"{code} bad", ["train.py"], (code,), text=rule.bad)
            yield Program("examples", f"{code} good", ["train.py"], (), text=rule.good)
    for source, folder in (("programs", ROOT / "tests/programs"), ("corpus", ROOT / "tests/corpus")):
        for path in sorted(folder.rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            yield Program(source, path.stem, ["train.py"], *headers(text), text=text)
    for path in (ROOT / "examples/digits.py", ROOT / "examples/digits_broken.py"):
        broken = ("LOS001", "OPT001", "MOD007") if "broken" in path.name else ()
        yield Program("recipes", path.stem, ["train.py"], broken, broken, text=path.read_text(encoding="utf-8"))


def public(folder: Path) -> Iterator[Program]:
    """Programs of `public.toml`, their repositories cloned as needed."""
    listed = tomllib.loads((HERE / "public.toml").read_text(encoding="utf-8"))
    for repository in listed["repository"]:
        clone = folder / repository["name"].replace("/", "+")
        if not clone.exists():
            address = f"https://github.com/{repository['name']}"
            subprocess.run(["git", "clone", "--quiet", address, str(clone)], check=True)
        subprocess.run(["git", "-C", str(clone), "checkout", "--quiet", repository["commit"]], check=True)
        for script in repository["script"]:
            yield Program(
                "public",
                f"{repository['name'].partition('/')[2]}/{script['name']}",
                script["run"].replace("{data}", str(folder / "data")).split(),
                tuple(script.get("expects", ())),
                tuple(script.get("also", ())),
                folder=clone / script.get("folder", ""),
                environment={"PYTHONPATH": str(STAND_INS), "MPLBACKEND": "Agg", "WANDB_MODE": "disabled"},
            )


def make_data(folder: Path) -> None:
    """Small data for the public scripts: a text in three parts, and a list of names."""
    text = folder / "text"
    text.mkdir(parents=True, exist_ok=True)
    words = " ".join(__doc__.split() * 60)
    for part in ("train", "valid", "test"):
        (text / f"{part}.txt").write_text(words + "\n", encoding="utf-8")


def run(program: Program) -> Result:
    with tempfile.TemporaryDirectory() as name:
        folder, report = program.folder or Path(name, "work"), Path(name, "run")
        if program.folder is None:
            folder.mkdir()
            (folder / "train.py").write_text(program.text, encoding="utf-8")
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **program.environment}
        again = bool({*program.expects} & {*OF_TWO_RUNS})
        into = [] if again else ["--run-dir", str(report)]
        command = [str(TORCHWARD), "run", "--lang", "en", *into, *program.command]
        for _ in range(2 if again else 1):
            try:
                done = subprocess.run(
                    command,
                    cwd=folder,
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=TIME_LIMIT,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return Result(program, f"took more than {TIME_LIMIT:.0f} s")
            if done.returncode != 0:
                last = (done.stderr.strip().splitlines() or ["no output"])[-1]
                return Result(program, f"ended with exit code {done.returncode}: {last[:120]}")
        if again:
            report = max((folder / ".torchward" / "runs").iterdir())
        said = json.loads((report / "findings.json").read_text(encoding="utf-8"))
    return Result(program, "", said["findings"], list(codes(said["findings"])), said["cost"]["share"])


def codes(findings: list[dict[str, Any]]) -> Iterator[str]:
    for item in findings:
        yield item["code"]
        yield from codes(item["symptoms"])


def share(part: int, whole: int) -> str:
    return f"{part}/{whole}" + (f" {100 * part / whole:.0f}%" if whole else "")


def table(results: list[Result]) -> list[str]:
    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        if not result.trouble:
            groups[result.program.source, result.program.stage].append(result)
            groups[result.program.source, "all"].append(result)
    lines = [
        f"{'source':10}{'stage':7}{'first':>14}{'named':>14}{'false: error':>14}{'warning':>9}{'hint':>6}{'cost':>8}"
    ]
    for (source, stage), group in sorted(groups.items()):
        broken = [result for result in group if result.program.expects]
        false = [sum(result.false == severity for result in group) for severity in ("error", "warning", "hint")]
        costs = [result.cost for result in group if result.cost is not None]
        lines.append(
            f"{source:10}{stage:7}"
            f"{share(sum(r.first for r in broken), len(broken)) if broken else '':>14}"
            f"{share(sum(r.named for r in broken), len(broken)) if broken else '':>14}"
            f"{false[0]:>14}{false[1]:>9}{false[2]:>6}"
            f"{f'{100 * median(costs):.1f}%' if costs else '':>8}"
        )
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure how right torchward is.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only programs whose name contains one of these")
    parser.add_argument("--jobs", type=int, default=2, help="programs at once (default 2)")
    parser.add_argument("--public", type=Path, metavar="FOLDER", help="also run the public scripts, cloned into FOLDER")
    args = parser.parse_args()

    programs = list(local())
    if args.public:
        folder = args.public.resolve()
        if folder.is_relative_to(ROOT):
            parser.error(f"--public {args.public}: must lie outside of {ROOT}")
        if not shutil.which("git"):
            parser.error("--public needs git")
        make_data(folder / "data")
        programs += public(folder)
    if args.names:
        programs = [p for p in programs if any(name.lower() in p.name.lower() for name in args.names)]
    began = time.monotonic()
    results = []
    with ThreadPoolExecutor(args.jobs) as pool:
        for number, result in enumerate(pool.map(run, programs), 1):
            results.append(result)
            program = result.program
            said = " ".join(f"{item['code']}:{item['severity'][0]}" for item in result.top) or "nothing"
            if result.trouble:
                print(f"NOT RUN {program.source} {program.name}: {result.trouble}", flush=True)
            elif program.expects and not result.first:
                print(f"MISSED  {program.source} {program.name}: {'/'.join(program.expects)}, said {said}", flush=True)
            elif result.false:
                print(f"FALSE   {program.source} {program.name}: said {said}", flush=True)
            if number % 50 == 0:
                print(f"... {number} of {len(programs)}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)

    print()
    print("\n".join(table(results)))
    blind = [result for result in results if result.program.source == "corpus" and not result.trouble]
    blind = blind or [result for result in results if not result.trouble]
    broken, sound = ([r for r in blind if bool(r.program.expects) is wanted] for wanted in (True, False))
    first = sum(result.first for result in broken) / len(broken) if broken else 1.0
    false = sum(result.false in ("error", "warning") for result in sound) / len(sound) if sound else 0.0
    missed = []
    if first < FIRST_BAR:
        missed.append(f"cause named first in {100 * first:.0f}% (bar {100 * FIRST_BAR:.0f}%)")
    if false > FALSE_BAR:
        missed.append(f"false alarms on {100 * false:.1f}% of sound programs (bar {100 * FALSE_BAR:.0f}%)")
    missed += [f"{result.program.name} did not run" for result in results if result.trouble]
    if missed:
        print(f"\nmissed: {'; '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
