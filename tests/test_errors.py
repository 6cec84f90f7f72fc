"""Every error entry: its own cases are explained by it and by nothing else, in both languages; its patterns are neither
loose nor slow; its programs still raise what it explains."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

import pytest

from torchward.collect import log
from torchward.errors import match, schema
from torchward.errors.schema import Case, Entry
from torchward.facts import Crash
from torchward.rule import Explanation

FILES = schema.files()
HERE = Path(__file__).parent


@cache
def entries() -> dict[str, tuple[Entry, tuple[Case, ...]]]:
    loaded = {}
    for path in FILES:
        try:
            entry, cases = schema.parse(path, path.read_text(encoding="utf-8"))
        except schema.EntryError:
            continue  # `test_entry_is_well_formed` tells
        loaded[entry.rule.code] = (entry, cases)
    return loaded


ALL = entries()
RECORDED = [
    pytest.param(code, case, id=f"{code}-{number}")
    for code, (_, cases) in ALL.items()
    for number, case in enumerate(cases)
    if case.text
]
PROGRAMS = [
    pytest.param(code, case, id=f"{code}-{number}")
    for code, (_, cases) in ALL.items()
    for number, case in enumerate(cases)
    if case.repro
]


def explained(text: str, exit_code: int | None = None) -> tuple[Crash, tuple[Explanation, ...]]:
    crash = log.parse(text, exit_code=exit_code)
    return crash, match.explain(crash)


def check(code: str, case: Case, text: str, exit_code: int | None) -> None:
    crash, found = explained(text, exit_code)
    assert [one.finding.code for one in found] == [code], (crash.error, text[-2000:])
    (one,) = found
    data = one.finding.data
    if case.cause:
        assert one.causes[0].name == case.cause, ([cause.name for cause in one.causes], dict(data))
    assert {name: data.get(name) for name in case.values} == dict(case.values)
    for language in ("en", "zh"):
        texts = [one.rule.message, one.rule.why, one.rule.fix]
        texts += [text for cause in one.causes for text in (cause.why, cause.fix, cause.check)]
        for text_of in texts:
            text_of.render(language, data)  # raises where a value is missing
    assert one.rule.message.render("en", data)
    assert one.evidence, "it quotes nothing"
    for number, quoted in one.evidence:
        if number:
            told = quoted.split(": ", 1)[-1] if "::" in quoted else quoted  # C++ names the type on another line
            lines = text.replace("\r", "\n").split("\n")
            line = lines[number - 1]
            if line.endswith("Error:"):  # the message begins on the next line
                line += " " + lines[number].strip()
            assert told[:60] in line


# --- the entry ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_entry_is_well_formed(path: Path) -> None:
    entry, cases = schema.parse(path, path.read_text(encoding="utf-8"))
    assert cases, "an entry needs a case"
    assert entry.rule.name not in [other.rule.name for code, (other, _) in ALL.items() if code != entry.rule.code]
    named = {case.cause for case in cases}
    certain = {branch.cause.name for branch in entry.branches if branch.when and branch.cause.confidence == 3}
    assert certain <= named, f"a cause that claims to be certain needs a case: {certain - named}"


def test_codes_are_used_once() -> None:
    codes = [path.name[:6] for path in FILES]
    assert sorted(codes) == sorted(set(codes))
    assert len(codes) >= 8


@pytest.mark.parametrize(("code", "case"), RECORDED)
def test_recorded_output_is_explained_by_its_own_entry_alone(code: str, case: Case) -> None:
    check(code, case, case.text, case.exit)


@cache
def raised() -> dict[tuple[str, str], tuple[str, int]]:
    """(standard error, exit code) of every program of the catalogue."""
    wanted = [(param.values[0], param.values[1]) for param in PROGRAMS]
    shared = [(code, case.repro) for code, case in wanted if not case.alone]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}
    environment["TORCH_EXTENSIONS_DIR"] = tempfile.mkdtemp()  # not the user's, where others may build the same
    done = subprocess.run(
        [sys.executable, str(HERE / "raise_errors.py")], input=json.dumps([program for _, program in shared]),
        capture_output=True, text=True, check=True, timeout=900, env=environment,
    )  # fmt: skip
    results = {key: tuple(result) for key, result in zip(shared, json.loads(done.stdout), strict=True)}
    for code, case in wanted:
        if case.alone:
            alone = subprocess.run(
                [sys.executable, "-c", case.repro], capture_output=True, text=True, check=False, timeout=120,
                env=environment,
            )  # fmt: skip
            results[code, case.repro] = (alone.stderr, alone.returncode)
    return results


@pytest.mark.torch
@pytest.mark.xdist_group("raised")  # which is done once for all
@pytest.mark.parametrize(("code", "case"), PROGRAMS)
def test_its_program_still_raises_what_it_explains(code: str, case: Case) -> None:
    text, status = raised()[code, case.repro]
    assert status != 0, "the program did not fail"
    check(code, case, text, status)


# --- patterns: not loose, not slow ------------------------------------------------------------------------------------

HARMLESS = """
Epoch 3/10: 100%|██████████| 469/469 [00:12<00:00, 37.9it/s, loss=0.431, acc=0.87]
INFO:root:saving checkpoint to runs/exp3/last.pt
UserWarning: Plan failed with a cudnnException: CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR
step 1200 | loss 2.31 | grad norm 0.9 | tokens/s 10233 | mem 12.1 GiB
val error: 0.0231, top-5 error 0.0012; 3 images failed to load and were skipped
FutureWarning: `torch.cuda.amp.autocast(args...)` is deprecated.
"""
FOREIGN = [
    'Traceback (most recent call last):\n  File "/home/user/app.py", line 3, in f\n    d["x"]\nKeyError: \'x\'\n',
    'Traceback (most recent call last):\n  File "/srv/web/views.py", line 9, in get\n    user.name\n'
    "AttributeError: 'NoneType' object has no attribute 'name'\n",
    'Traceback (most recent call last):\n  File "/home/user/a.py", line 1, in <module>\n    1 / 0\n'
    "ZeroDivisionError: division by zero\n",
    'Traceback (most recent call last):\n  File "x.py", line 2, in f\nValueError: invalid literal for int()\n',
    "RuntimeError: something went wrong\n",
    "ValueError: bad value\n",
    "django.db.utils.OperationalError: could not connect to server: Connection refused\n",
    'Exception in thread "main" java.lang.NullPointerException\n\tat Main.main(Main.java:5)\n',
]


NEAR = [
    "OSError: [Errno 98] Address already in use\n",
    "AttributeError: 'dict' object has no attribute 'to'\n",
    "ImportError: cannot import name 'soft_unicode' from 'markupsafe'\n",
    "IndexError: index 5 is out of bounds for axis 0 with size 3\n",
    "TypeError: f() got an unexpected keyword argument 'device'\n",
    "FileNotFoundError: [Errno 2] No such file or directory: 'config.yml'\n",
    "EOFError: EOF when reading a line\n",
    "panic: runtime error: index out of range [5] with length 3\n\ngoroutine 1 [running]:\nmain.main()\n",
    "make: *** [Makefile:3: all] Error 2\ngcc: error: foo.c: No such file or directory\n",
    "tensorflow.errors.ResourceExhaustedError: OOM when allocating tensor with shape[64]\n",
    "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='api.example.com', port=443)\n",
]
"""Of other programs, but in words that some entry knows: conditions tell them apart."""


@pytest.mark.parametrize("text", [HARMLESS, *FOREIGN, *NEAR, "", "\n\n", "hello"])
def test_nothing_fires_on_what_is_no_error_of_torch(text: str) -> None:
    assert [one.finding.code for one in explained(text)[1]] == []


def patterns(entry: Entry) -> list[re.Pattern[str]]:
    parts = [entry.match, *(branch.when for branch in entry.branches if branch.when)]
    parts += [part.unless for part in parts if part.unless]
    names = ("message", "output", "anywhere", "frames", "chain", "operands")
    return [pattern for part in parts for name in names for pattern in getattr(part, name)]


@pytest.mark.parametrize("entry", [entry for entry, _ in ALL.values()], ids=ALL.keys())
def test_patterns_are_not_loose(entry: Entry) -> None:
    """A mutation check: change one word of what is matched, and most such changes must not match any more."""
    for pattern in (*entry.match.message, *entry.match.output):
        assert not any(pattern.search(text) for text in (HARMLESS, *FOREIGN)), pattern.pattern
    for case in ALL[entry.rule.code][1]:
        for pattern in (*entry.match.message, *entry.match.output):
            for line in case.text.split("\n"):
                found = pattern.search(line)
                if not found:
                    continue
                words = list(re.finditer(r"[A-Za-z_]{3,}", found[0]))
                assert words, f"{pattern.pattern} rests on no word"
                lost = sum(
                    not pattern.search(
                        line[: found.start() + word.start()] + "qqq" + line[found.start() + word.end() :]
                    )
                    for word in words
                )
                assert lost >= 0.5 * len(words), f"{pattern.pattern} matches although words of {found[0]!r} changed"


def hostile(pattern: re.Pattern[str]) -> list[str]:
    """Strings that nearly match, again and again."""
    literal = re.sub(r"\\[dswDSW]|\(\?P<\w+>|\[[^\]]*\]|[\\()?*+|^$]|\{[\d,]+\}", " ", pattern.pattern)
    words = [word for word in literal.split() if len(word) > 1] or ["a"]
    head = literal.split("  ")[0].strip() or words[0]
    return [
        "9" * 4000,
        "a" * 4000,
        " " * 4000,
        "(" * 2000 + "," * 2000,
        (head + " ") * (4000 // (len(head) + 1)),
        (" ".join(words) + " ") * 200,
        (words[0] + "1") * 1500,
        ("9x9 " + words[-1]) * 700,
        "\n".join((word + " ") * 100 for word in words * 5),
    ]


@pytest.mark.parametrize("entry", [entry for entry, _ in ALL.values()], ids=ALL.keys())
def test_hostile_text_cannot_stall_a_pattern(entry: Entry) -> None:
    for pattern in patterns(entry):
        for text in hostile(pattern):
            begin = time.thread_time()
            pattern.search(match.shortened(text))
            assert time.thread_time() - begin < 2, (pattern.pattern, text[:80])


@pytest.mark.parametrize(
    "source", [r"(a+)+b", r"(a|b*)*c", r"(\w+ )+x", r".*a.*b.*c", r"(\d{1,50}){2,60}", r"(a)\1", r"[^x]+\S+.+"]
)
def test_patterns_that_could_stall_are_refused(source: str) -> None:
    with pytest.raises(schema.EntryError):
        schema.check_pattern(source)


@pytest.mark.parametrize("source", [r"a.*b.*c", r"(\d+)x(\d+) and (\d+)x(\d+)", r"(?:one|two) \w+", r"\((?P<a>\d+)\)"])
def test_harmless_patterns_are_taken(source: str) -> None:
    schema.check_pattern(source)


# --- the schema is strict -----------------------------------------------------------------------------------------

GOOD = """
code = "ERR999"
name = "an-example"
family = "shapes"
literals = ["went wrong"]
[match]
type = ["RuntimeError"]
message = ['it went wrong at (?P<n>\\d+)']
[en]
message = "At {n}."
why = "Why."
fix = "Fix."
[zh]
message = "在 {n}。"
why = "原因。"
fix = "改法。"
[[case]]
source = "https://example.org/"
text = "RuntimeError: it went wrong at 3"
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("", "", ""),
        ('family = "shapes"', 'family = "shape"', "family"),
        ('name = "an-example"', 'name = "other"', "code"),
        ('literals = ["went wrong"]', 'literals = ["ab"]', "literals"),
        ('literals = ["went wrong"]', "", "literals"),
        ('type = ["RuntimeError"]', 'typ = ["RuntimeError"]', "match.typ"),
        ("(?P<n>\\d+)", "(?P<m>\\d+)", "en.message"),
        ("(?P<n>\\d+)", "(?P<n>(\\d+ )+)", "match.message"),
        ('message = "在 {n}。"', 'message = "在。"', "zh.message"),
        ('message = "在 {n}。"', 'message = "At {n}!"', "zh.message"),
        ('why = "原因。"', "", "en.why"),
        ('source = "https://example.org/"', "", "source"),
        ('code = "ERR999"', 'code = "ERR999"\ncompute = "magic"', "compute"),
        ('code = "ERR999"', 'code = "ERR999"\nconfidence = "sure"', "confidence"),
        ("[en]", "[en", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_file_and_field(old: str, new: str, told: str) -> None:
    path = Path("err999_an_example.toml")
    text = GOOD.replace(old, new, 1) if old else GOOD
    if not told:
        assert schema.parse(path, text)[0].rule.code == "ERR999"
        return
    with pytest.raises(schema.EntryError, match=re.escape(told)) as caught:
        schema.parse(path, text)
    assert path.name in str(caught.value)


def test_only_entries_whose_literals_occur_are_parsed() -> None:
    assert [code for code, _ in schema.candidates("mat1 and mat2 shapes cannot be multiplied")] == ["ERR100"]
    assert list(schema.candidates("nothing of the kind")) == []


def test_an_entry_that_is_broken_spoils_no_other(tmp_path: Path) -> None:
    good = GOOD.replace("ERR999", "ERR998").replace("an-example", "another")
    (tmp_path / "err998_another.toml").write_text(good, encoding="utf-8")
    broken = GOOD.replace("[en]", "[en") + "\n"
    (tmp_path / "err999_an_example.toml").write_text(broken, encoding="utf-8")
    failures: list[tuple[str, Exception]] = []
    found = match.explain(log.parse("RuntimeError: it went wrong at 3"), tmp_path, failures)
    assert [one.finding.code for one in found] == ["ERR998"]
    assert [code for code, _ in failures] == ["ERR999"]
