"""Every rule, run for real: its broken example is named first, its sound twin is silent under all rules.

The same for `tests/programs/`: broken and sound programs in other styles. Their first line says what is expected,
`# expects: OPT003` or `# expects: nothing`; a second, `# also: TRN001`, what may stand beside it as a cause of its own.
Of several expected codes each is a true name of the cause, and which one comes first may depend on the samples.
They are run in forks of one process (`forked.py`) where they can be, and some of each stage's broken examples through
the command line; in the long tier all examples go through the command line.
What takes how long depends on the machine and on what else it does just then: programs of PRF rules have three tries,
and those of NUM012, which is about a slow way of a processor, are left out where it is not slow.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from torchward.engine import judges, load_rules
from torchward.facts import Machine
from torchward.rule import Rule

ALL = {code: rule for code, rule in load_rules().items() if rule.checks}
RULES = {code: rule for code, rule in ALL.items() if not judges(rule, Machine)}
"""Those whose examples are programs; `test_machines.py` has the others."""
PROGRAMS = sorted((Path(__file__).parent / "programs").rglob("*.py"))
TIERS = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.long] if path.parent.name == "long" else [])
    for path in PROGRAMS
]
"""Of several programs of one rule, one is run each time, the others in the long tier; and so every second sound one."""


STARTS_PROCESSES = re.compile(
    r"torchrun|multiprocessing|mp\.spawn|torch\.distributed|subprocess|num_workers|set_num_threads"
)
"""What is better run by a new interpreter: programs with processes and threads of their own."""


RECORDER = ("recorder", "记录器")
"""What could not be looked at where a part of torchward failed."""


OF_SEVERAL = ("DST003", "DST004", "DST005", "DST006", "DST008", "DST009")
"""Their twins start several processes each, and are run in the long tier: those of the other rules of DST are alike."""


def skip_without_its_packages(text: str) -> None:
    for package in re.findall(
        r"^(?:from|import) (stable_baselines3|gymnasium|lightning|transformers|accelerate|peft|trl)\b", text, re.M
    ):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


BY_COMMAND = {code for code in RULES if code[-1] == "1" or code.startswith(("MEM", "PRF"))}
"""Those whose broken examples go through the command line each time: a tenth of each stage's, and what is measured."""


OF_TWO_RUNS = ("TRN014",)
"""What shows only when a program is run again."""


def findings(script: Path, folder: Path, language: str = "en", code: str = "") -> list[dict[str, Any]]:
    """What torchward says of a program (of its second run, where `code` asks for two); it must run as it does alone, to
    its own exit code 0."""
    skip_without_its_packages(script.read_text(encoding="utf-8"))
    command = [sys.executable, "-m", "torchward", "run", "--lang", language, "--run-dir", str(folder), str(script)]
    again = code in OF_TWO_RUNS
    if again:
        del command[-3:-1]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for _ in range(2 if again else 1):
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=300, cwd=folder.parent, env=environment
        )
        assert done.returncode == 0, done.stderr
    folder = max((folder.parent / ".torchward" / "runs").iterdir()) if again else folder
    report = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
    failed = [one["why"] for one in report["could_not_look"] if one["what"] in RECORDER]
    assert failed == [], "a part of the recorder failed"
    found: list[dict[str, Any]] = report["findings"]
    return found


def tries(code: str) -> range:
    """What depends on how long something takes is tried again; of TRN014 two first losses may be the same by chance."""
    return range(3 if code.startswith("PRF") or code in ("DST010", "NUM012", "TRN014") else 1)


def tried(code: str, once: Callable[[int], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """What is found by the first try that names `code`, or by the last one."""
    found: list[dict[str, Any]] = []
    for number in tries(code):
        found = once(number)
        if found and found[0]["code"] == code:
            break
    return found


@cache
def slow_next_to_zero() -> bool:
    """Roots of numbers below the smallest normal one take longer on this processor."""
    import torch

    least = []
    for value in (1e-40, 1e-30):
        values, times = torch.full((100_000,), value), []
        for _ in range(5):
            began = perf_counter()
            values.sqrt()
            times.append(perf_counter() - began)
        least.append(min(times))
    return least[0] > 3 * least[1]


def skip_where_it_costs_nothing(code: str) -> None:
    if code == "NUM012" and not slow_next_to_zero():
        pytest.skip("this processor computes subnormal numbers as quickly as others")


def told(found: list[dict[str, Any]]) -> list[str]:
    """Findings on top: `OPT003 error certain: message`."""
    return [f"{item['code']} {item['severity']} {item['confidence']}: {item['message']}" for item in found]


def everything(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for item in found:
        yield item
        yield from everything(item["symptoms"])


def unfilled(item: dict[str, Any]) -> list[str]:
    """Placeholders of the rule's own texts that no number took the place of; other braces may be code to write."""
    rule = ALL.get(item["code"])
    fields = {name for text in (rule.message, rule.why, rule.fix) for name in text.fields()[0]} if rule else set()
    said = " ".join(item[key] for key in ("message", "why", "fix"))
    return sorted(name for name in fields if re.search(rf"\{{{name}[:!}}]", said))


def above_a_hint(found: list[dict[str, Any]]) -> list[str]:
    return told([item for item in found if item["severity"] != "hint"])


def assert_named_first(code: str, found: list[dict[str, Any]]) -> None:
    """In Chinese here, in English below: both languages are rendered from real findings."""
    assert found, "nothing was found"
    assert found[0]["code"] == code, told(found)
    assert not [item for item in everything(found) if item["code"].startswith("INT")], told(found)
    for key in ("message", "why", "fix"):
        assert re.search("[\u4e00-\u9fff]", found[0][key]), f"`{key}` is not in Chinese"
    assert unfilled(found[0]) == []
    assert any(found[0]["place"].values()), "it points nowhere"
    assert found[0]["evidence"]


@pytest.mark.torch
@pytest.mark.parametrize("code", sorted(RULES))
def test_the_broken_example_is_named_first(code: str, tmp_path: Path, forks: subprocess.Popen[str]) -> None:
    skip_where_it_costs_nothing(code)
    script = tmp_path / "train.py"
    script.write_text(RULES[code].bad, encoding="utf-8")

    def once(number: int) -> list[dict[str, Any]]:
        if code in BY_COMMAND:
            return findings(script, tmp_path / f"run{number}", "zh", code)
        return trained(script, code, tmp_path / f"fork{number}", forks, "zh")

    assert_named_first(code, tried(code, once))


@pytest.mark.long
@pytest.mark.torch
@pytest.mark.parametrize("code", sorted(RULES))
def test_the_broken_example_is_named_first_through_the_command_line(code: str, tmp_path: Path) -> None:
    skip_where_it_costs_nothing(code)
    script = tmp_path / "train.py"
    script.write_text(RULES[code].bad, encoding="utf-8")
    found = tried(code, lambda number: findings(script, tmp_path / f"run{number}", "zh", code))
    assert_named_first(code, found)


@pytest.fixture(scope="session")
def forks() -> Iterator[subprocess.Popen[str]]:
    """`forked.py`, waiting for programs."""
    server = [sys.executable, str(Path(__file__).with_name("forked.py"))]
    with subprocess.Popen(server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.terminate()


def from_fork(program: Path, folder: Path, forks: subprocess.Popen[str], language: str) -> list[dict[str, Any]]:
    """What torchward says of a program that a fork trains."""
    assert forks.stdin is not None
    assert forks.stdout is not None
    print(program, folder, language, sep="\t", file=forks.stdin, flush=True)
    done = json.loads(forks.stdout.readline())
    assert done["status"] == 0, done["output"]
    assert done["errors"] == [], "a part of the recorder failed"
    found: list[dict[str, Any]] = done["findings"]
    return found


def trained(
    program: Path, code: str, folder: Path, forks: subprocess.Popen[str], language: str = "en"
) -> list[dict[str, Any]]:
    """What torchward says of a program that shows `code`, or that is sound; in a fork if it can be."""
    folder.mkdir()
    # Memory grows otherwise in a fork, which shares its parent's.
    alone = STARTS_PROCESSES.search(program.read_text(encoding="utf-8")) is not None or code.startswith("MEM")
    if alone or code in OF_TWO_RUNS or not hasattr(os, "fork"):
        return findings(program, folder / "run", language, code)
    return from_fork(program, folder, forks, language)


def assert_silent(code: str, found: list[dict[str, Any]]) -> None:
    assert code not in [item["code"] for item in everything(found)], told(found)
    assert above_a_hint(found) == []


@pytest.mark.torch
@pytest.mark.parametrize(
    "code", [pytest.param(code, marks=[pytest.mark.long] if code in OF_SEVERAL else []) for code in sorted(RULES)]
)
def test_the_sound_twin_is_silent_under_every_rule(code: str, tmp_path: Path, forks: subprocess.Popen[str]) -> None:
    script = tmp_path / "train.py"
    script.write_text(RULES[code].good, encoding="utf-8")
    assert_silent(code, trained(script, code, tmp_path / "fork", forks))


@pytest.mark.long
@pytest.mark.torch
@pytest.mark.parametrize("code", sorted(RULES))
def test_the_sound_twin_is_silent_through_the_command_line(code: str, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(RULES[code].good, encoding="utf-8")
    assert_silent(code, findings(script, tmp_path / "run", code=code))


@pytest.mark.torch
@pytest.mark.parametrize("program", TIERS)
def test_programs_in_other_styles(program: Path, tmp_path: Path, forks: subprocess.Popen[str]) -> None:
    text = program.read_text(encoding="utf-8")
    skip_without_its_packages(text)
    head = text.splitlines()[:2]
    expected, *others = head[0].removeprefix("# expects:").split()
    skip_where_it_costs_nothing(expected)
    also = head[1].removeprefix("# also:").split() if head[1].startswith("# also:") else []
    found = tried(expected, lambda number: trained(program, expected, tmp_path / f"try{number}", forks))
    for item in everything(found):
        assert unfilled(item) == []
    if expected == "nothing":
        assert above_a_hint(found) == []
        return
    assert found, "nothing was found"
    assert found[0]["code"] in (expected, *others), told(found)
    beside = [
        item for item in found[1:] if item["severity"] != "hint" and item["code"] not in (expected, *others, *also)
    ]
    assert told(beside) == []


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_each_program_says_what_is_expected_of_it(program: Path) -> None:
    first = program.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# expects: ")
    expected, *others = first.removeprefix("# expects: ").split()
    assert (expected == "nothing" and not others) or {expected, *others} <= set(RULES)
    assert program.stem.startswith("sound_" if expected == "nothing" else f"broken_{expected.lower()}_")


@pytest.mark.parametrize("rule", ALL.values(), ids=ALL.keys())
def test_texts_are_whole_in_both_languages(rule: Rule) -> None:
    for text in (rule.message, rule.why, rule.fix):
        english, chinese = text.fields()
        assert english == chinese
        assert text.en.strip()
        assert re.search("[\u4e00-\u9fff]", text.zh)
        assert not re.search("[\u4e00-\u9fff]", text.en)
    assert rule.links
    assert all(link.startswith("https://") for link in rule.links)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name)


@pytest.mark.parametrize("rule", ALL.values(), ids=ALL.keys())
def test_what_a_rule_explains_exists(rule: Rule) -> None:
    for pattern in rule.explains:
        assert fnmatch.filter(ALL, pattern), f"{rule.code} explains `{pattern}`, which is no rule"
        assert rule.code not in fnmatch.filter(ALL, pattern) or pattern.endswith("*")


def test_every_rule_has_programs_in_other_styles() -> None:
    """Here, or in the corpus, which is run by `make precision`."""
    named = {program.stem.split("_")[1].upper() for program in PROGRAMS if program.stem.startswith("broken_")}
    for program in (Path(__file__).parent / "corpus").glob("*_broken.py"):
        lines = program.read_text(encoding="utf-8").splitlines()[:3]
        named |= {code for line in lines if line.startswith("# expects:") for code in line.split()[2:]}
    assert set(RULES) - named == set()
    assert sum(program.stem.startswith("sound_") for program in PROGRAMS) >= 18
