"""The handbook: every block of code runs and prints what its page says; both languages agree; what is named exists.

A page is one session: its blocks run in order, in one namespace. All pages run in one process, which loads torch once:
this file, started as a program.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import traceback
from pathlib import Path
from typing import NamedTuple

import pytest

from torchward.engine import known_codes, known_errors

HANDBOOK = Path(__file__).resolve().parents[1] / "docs" / "handbook"
LANGUAGES = ("en", "zh")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"\b(?:DAT|MOD|LOS|OPT|TRN|NUM|MEM|PRF|DST|RL|LLM|CKP|ENV|ERR|INT)\d{3}\b")
_LINK = re.compile(r"\]\(([^)#\s]+)")


class Block(NamedTuple):
    """One piece of code and what it prints; "" is nothing."""

    code: str
    prints: str


def blocks(text: str) -> list[Block]:
    """The ```python blocks of a page, each with the ```text block that stands right after it."""
    found: list[Block] = []
    end = -1
    for fence in _FENCE.finditer(text):
        language, body = fence.groups()
        if language == "python":
            found.append(Block(body, ""))
        elif language == "text" and found and not found[-1].prints and not text[end : fence.start()].strip():
            found[-1] = found[-1]._replace(prints=body)
        else:
            raise ValueError(f"a block of `{language}` belongs to no code: {body[:40]!r}")
        end = fence.end()
    return found


def mistakes(text: str) -> list[str]:
    """Runs a page; what went wrong or was printed otherwise than the page says."""
    space: dict[str, object] = {"__name__": "__main__"}
    wrong = []
    for block in blocks(text):
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out):
                exec(compile(block.code, "<page>", "exec"), space)
        except Exception:
            return [*wrong, f"{block.code}\nfails:\n{traceback.format_exc(limit=-1)}"]
        if out.getvalue() != block.prints:
            wrong.append(f"{block.code}\nprints:\n{out.getvalue()}\nthe page says:\n{block.prints}")
    return wrong


def pages(language: str) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((HANDBOOK / language).glob("*.md"))}


@pytest.mark.torch
def test_every_block_prints_what_its_page_says(tmp_path):
    paths = [str(path) for language in LANGUAGES for path in sorted((HANDBOOK / language).glob("*.md"))]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONWARNINGS": "error::DeprecationWarning"}
    done = subprocess.run(
        [sys.executable, __file__, *paths], capture_output=True, text=True, check=False, timeout=300, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {path: [] for path in paths}


def test_a_wrong_output_would_be_noticed():
    page = "```python\nprint(1 + 1)\n```\n\n```text\n{}\n```\n\n```python\n{}\n```\n"
    assert mistakes(page.format("2", "x = 1")) == []
    (said,) = mistakes(page.format("3", "x = 1"))
    assert "the page says:\n3" in said
    assert "prints:\nsaid nowhere" in mistakes(page.format("2", "print('said nowhere')"))[0]
    assert "ZeroDivisionError" in mistakes(page.format("2", "1 / 0"))[0]
    with pytest.raises(ValueError, match="belongs to no code"):
        blocks("```python\nx = 1\n```\n\nwords between\n\n```text\n1\n```\n")


def test_both_languages_have_the_same_pages_and_code():
    english, chinese = pages("en"), pages("zh")
    assert list(english) == list(chinese)
    for name, text in english.items():
        ours, theirs = blocks(text), blocks(chinese[name])
        assert [block.prints for block in ours] == [block.prints for block in theirs], name
        # Comments may be in the page's own language.
        assert [ast.dump(ast.parse(block.code)) for block in ours] == [
            ast.dump(ast.parse(block.code)) for block in theirs
        ], name
        assert set(_CODE.findall(text)) == set(_CODE.findall(chinese[name])), name
        assert text.count("<details>") == text.count("</details>") == chinese[name].count("<details>"), name


def test_every_page_has_an_exercise_and_names_mistakes():
    for name, text in pages("en").items():
        if name != "index":
            assert "\n## Exercise\n" in text, name
            assert "<details><summary>Answer</summary>" in text, name
            assert _CODE.search(text.partition("\n## What torchward catches\n")[2]), name


def test_every_code_that_is_named_exists():
    known = {*known_codes(), *known_errors()}
    for language in LANGUAGES:
        for name, text in pages(language).items():
            assert set(_CODE.findall(text)) <= known, (language, name)


def test_links_lead_to_pages_and_every_page_is_in_the_list():
    for language in LANGUAGES:
        found = pages(language)
        for name, text in found.items():
            prose = _FENCE.sub("", text)
            for target in _LINK.findall(prose):
                assert target.startswith("https://") or (HANDBOOK / language / target).is_file(), (name, target)
        assert {f"{name}.md" for name in found} - {"index.md"} == set(_LINK.findall(found["index"]))


def test_the_chinese_pages_are_chinese():
    for name, text in pages("zh").items():
        prose = re.sub(r"`[^`]*`", "", _FENCE.sub("", text))
        han = len(re.findall(r"[一-鿿]", prose))
        assert han > 100, name
        # A sentence of five English words or more was not translated.
        assert re.findall(r"(?:\b[a-z]+ ){4}[a-z]+\b", prose) == [], name


if __name__ == "__main__":
    json.dump({path: mistakes(Path(path).read_text(encoding="utf-8")) for path in sys.argv[1:]}, sys.stdout)
