"""Every rule, run for real: its broken example is named first, its sound twin is silent under all rules.

The same for `tests/programs/`: broken and sound programs in other styles. Their first line says what is expected,
`# expects: OPT003` or `# expects: nothing`; a second, `# also: TRN001`, what may stand beside it as a cause of its own.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from torchward.engine import load_rules
from torchward.rule import Rule

RULES = {code: rule for code, rule in load_rules().items() if rule.checks}
PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))


def findings(script: Path, folder: Path, language: str = "en") -> list[dict[str, Any]]:
    """What torchward says of a program; it must run as it does alone, to its own exit code 0."""
    command = [sys.executable, "-m", "torchward", "run", "--lang", language, "--run-dir", str(folder), str(script)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, cwd=folder.parent, env=environment
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads((folder / "findings.json").read_text(encoding="utf-8"))["findings"]
    return found


def told(found: list[dict[str, Any]]) -> list[str]:
    """Findings on top: `OPT003 error certain: message`."""
    return [f"{item['code']} {item['severity']} {item['confidence']}: {item['message']}" for item in found]


def everything(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for item in found:
        yield item
        yield from everything(item["symptoms"])


def above_a_hint(found: list[dict[str, Any]]) -> list[str]:
    return told([item for item in found if item["severity"] != "hint"])


@pytest.mark.torch
@pytest.mark.parametrize("code", sorted(RULES))
def test_the_broken_example_is_named_first(code: str, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(RULES[code].bad, encoding="utf-8")
    # In Chinese here, in English below: both languages are rendered from real findings.
    found = findings(script, tmp_path / "run", "zh")
    assert found, "nothing was found"
    assert found[0]["code"] == code, told(found)
    assert not [item for item in everything(found) if item["code"].startswith("INT")], told(found)
    for key in ("message", "why", "fix"):
        assert re.search("[\u4e00-\u9fff]", found[0][key]), f"`{key}` is not in Chinese"
        assert not re.search(r"\{[a-z_]+\}", found[0][key])
    assert any(found[0]["place"].values()), "it points nowhere"
    assert found[0]["evidence"]


@pytest.mark.torch
@pytest.mark.parametrize("code", sorted(RULES))
def test_the_sound_twin_is_silent_under_every_rule(code: str, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(RULES[code].good, encoding="utf-8")
    found = findings(script, tmp_path / "run")
    assert code not in [item["code"] for item in everything(found)], told(found)
    assert above_a_hint(found) == []


@pytest.mark.torch
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_programs_in_other_styles(program: Path, tmp_path: Path) -> None:
    head = program.read_text(encoding="utf-8").splitlines()[:2]
    expected = head[0].removeprefix("# expects:").strip()
    also = head[1].removeprefix("# also:").split() if head[1].startswith("# also:") else []
    found = findings(program, tmp_path / "run")
    for item in everything(found):
        assert not re.search(r"\{[a-z_]+[:}]", " ".join(item[key] for key in ("message", "why", "fix"))), item["code"]
    if expected == "nothing":
        assert above_a_hint(found) == []
        return
    assert found, "nothing was found"
    assert found[0]["code"] == expected, told(found)
    beside = [item for item in found[1:] if item["severity"] != "hint" and item["code"] not in (expected, *also)]
    assert told(beside) == []


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_each_program_says_what_is_expected_of_it(program: Path) -> None:
    first = program.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# expects: ")
    expected = first.removeprefix("# expects: ")
    assert expected == "nothing" or expected in RULES
    assert program.stem.startswith("sound_" if expected == "nothing" else f"broken_{expected.lower()}_")


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
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


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_what_a_rule_explains_exists(rule: Rule) -> None:
    for pattern in rule.explains:
        assert fnmatch.filter(RULES, pattern), f"{rule.code} explains `{pattern}`, which is no rule"
        assert rule.code not in fnmatch.filter(RULES, pattern) or pattern.endswith("*")


def test_every_rule_has_programs_in_other_styles() -> None:
    named = {program.stem.split("_")[1].upper() for program in PROGRAMS if program.stem.startswith("broken_")}
    assert set(RULES) - named == set()
    assert sum(program.stem.startswith("sound_") for program in PROGRAMS) >= 18
