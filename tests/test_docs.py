"""The documentation as a site: complete, in two languages, every link leads somewhere, nothing is asked of other hosts.

And what the page of subjects names exists. No torch.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from torchward.cli import COMMANDS
from torchward.engine import known_codes, known_errors

pytestmark = pytest.mark.xdist_group("site")  # which is built once
ROOT = Path(__file__).resolve().parents[1]
pytest.importorskip("markdown_it")
pytest.importorskip("pygments")


class Reader(HTMLParser):
    """What of a page matters here: ids, links, what it loads, its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if "id" in given:
            assert given["id"] not in self.ids
            self.ids.add(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        elif "src" in given or tag == "link":
            self.loads.append(given.get("src") or given["href"])
        assert not [name for name in given if name.startswith("on") or name == "srcset"], (tag, given)
        assert "url(" not in (given.get("style") or "")

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "build.py", folder], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def read(site):
    return {name: Reader(text) for name, text in site.items() if name.endswith(".html")}


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("three years", encoding="utf-8")
    command = [sys.executable, ROOT / "docs" / "build.py", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "holds something else" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def resolve(page: str, target: str) -> str:
    parts: list[str] = []
    for part in [*page.split("/")[:-1], *unquote(target).split("/")]:
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def broken(read: dict[str, Reader], files: set[str]) -> list[tuple[str, str]]:
    """(page, link) of each link within the site that leads nowhere."""
    found = []
    for name, page in read.items():
        for href in page.links:
            if href.startswith(("https://", "http://")):
                continue
            path, _, anchor = href.partition("#")
            target = resolve(name, path) if path else name
            there = target in files and (not anchor or target not in read or unquote(anchor) in read[target].ids)
            if not there:
                found.append((name, href))
    return found


def test_every_rule_and_error_has_a_page_in_both_languages(read):
    for language in ("en", "zh"):
        for kind, codes in (("rules", known_codes()), ("errors", known_errors())):
            index = read[f"{language}/{kind}/index.html"]
            for code in codes:
                assert code in index.ids
                page = read[f"{language}/{kind}/{code}.html"]
                assert code in page.text
                if language == "zh":
                    assert len(re.findall(r"[一-鿿]", page.text)) > 60, code
                if kind == "rules" and not code.startswith("INT"):
                    assert {"bad", "good"} <= page.ids, code
    for page in (ROOT / "docs" / "handbook").rglob("*.md"):
        language, name = page.parent.name, page.stem
        assert f"{language}/handbook/{name}.html" in read


def test_every_link_within_the_site_leads_somewhere(site, read):
    assert len(read) > 2 * len(known_errors())
    assert broken(read, set(site)) == []


def test_a_broken_link_would_be_noticed(site, read):
    page = Reader('<a href="nowhere.html">x</a><a href="index.html#nowhere">y</a><a href="index.html">z</a>')
    found = broken({**read, "en/added.html": page}, set(site))
    assert found == [("en/added.html", "nowhere.html"), ("en/added.html", "index.html#nowhere")]


def test_nothing_is_loaded_from_elsewhere(site, read):
    for name, page in read.items():
        for source in page.loads:
            assert source == "data:," or resolve(name, source) in site, (name, source)
    assert not re.search(r"@import|url\(", site["assets/style.css"])
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|https?:", site["assets/search.js"])


def test_search_knows_every_page_of_text(site, read):
    for language in ("en", "zh"):
        data = site[f"assets/search-{language}.js"]
        entries = json.loads(data[data.index("[") : data.rindex(";")])
        found = {url.partition("#")[0] for _, url, *_ in entries}
        lists = {f"{language}/rules/index.html", f"{language}/errors/index.html"}
        assert found == {name for name in read if name.startswith(f"{language}/")} - lists
        assert all(url.partition("#")[2] in {"", *read[url.partition("#")[0]].ids} for _, url, *_ in entries)


def test_what_the_page_of_subjects_names_is_there():
    from torchward.commands._recipes import names

    commands, recipes = set(COMMANDS), set(names())
    codes = {*known_codes(), *known_errors()}
    for name in ("notes.md", "notes.zh.md"):
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        rows = [row.split("|")[1:-1] for row in text.splitlines() if row.startswith("| ")]
        assert len(rows) > 25
        for cells in rows:
            assert len(cells) == 3, cells
            assert set(re.findall(r"`torchward (\w+)", cells[1])) <= commands, cells
            assert set(re.findall(r"`@([\w-]+)", cells[1])) <= recipes, cells
        assert set(re.findall(r"\b[A-Z]{2,3}\d{3}\b", text)) <= codes


def test_both_readmes_lead_to_the_handbook():
    for name, target in (("README.md", "docs/handbook/en/index.md"), ("README.zh.md", "docs/handbook/zh/index.md")):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert f"]({target})" in text
        assert "make docs" in text
