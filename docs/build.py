"""Builds the documentation as one static site: `make docs`, or `python docs/build.py FOLDER`.

The guide and the handbook are the Markdown files of this repository; the pages of rules and errors are generated from
the rules and the catalogue. The site needs no server: it works from `file://`, and asks nothing of other hosts. A link
that leads nowhere, or a code that does not exist, ends the build.
"""

from __future__ import annotations

import difflib
import html
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from torchward import __version__
from torchward.commands._texts import SEVERITY, shown
from torchward.engine import ERR001, load_rules
from torchward.errors import schema
from torchward.rule import Language, Rule, Text

ROOT = Path(__file__).resolve().parents[1]
THEME = Path(__file__).resolve().parent / "theme"
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_CODE = re.compile(r"\b(?:DAT|MOD|LOS|OPT|TRN|NUM|MEM|PRF|DST|RL|LLM|CKP|ENV|ERR|INT)\d{3}\b")

_JOINED = re.compile(r"[\u3000-\u303f\uff00-\uffef]|[\u3400-\u9fff][\u3000-\u9fff\uff00-\uffef]")
"""Two characters that no space belongs between although a line of the source ends there: Chinese ones."""

LABELS = {
    "guide": Text("Guide", "指南"),
    "handbook": Text("Handbook", "手册"),
    "rules": Text("Rules", "规则"),
    "errors": Text("Errors", "错误"),
    "search": Text("Search, or paste an error", "搜索，或粘贴错误信息"),
    "nothing": Text("Nothing found", "没有找到"),
    "other": Text("中文", "English"),
    "contents": Text("Contents", "目录"),
    "all rules": Text("All rules", "全部规则"),
    "all errors": Text("All errors", "全部错误"),
    "in english": Text("", "（英文）"),
    "message": Text("What it says", "报告内容"),
    "why": Text("Why it matters", "为什么重要"),
    "fix": Text("What to change", "怎样修改"),
    "bad": Text("A program that has the problem", "有此问题的程序"),
    "good": Text("Its sound twin", "修正后的程序"),
    "bad machine": Text("A machine that has the problem", "有此问题的机器"),
    "good machine": Text("A sound machine", "正常的机器"),
    "explains": Text("It explains", "它可以解释"),
    "explained by": Text("It may be explained by", "它可能由以下问题引起"),
    "links": Text("Read more", "延伸阅读"),
    "preview": Text("preview", "预览"),
    "since": Text("since", "始于"),
    "cause": Text("Possible cause", "可能的原因"),
    "check": Text("To make sure", "如何确认"),
    "recognised": Text("Recognised by", "识别依据"),
    "example": Text("A program that raises it", "会引发此错误的程序"),
    "log": Text("As it was printed", "实际输出"),
    "source": Text("source", "来源"),
    "marked": Text("Lines that differ from the other one are marked.", "与另一段不同的行已标出。"),
}

HOMES = {
    "guide": "index.html",
    "handbook": "handbook/index.html",
    "rules": "rules/index.html",
    "errors": "errors/index.html",
}

STAGES = {
    "DAT": Text("Data and loaders", "数据与加载器"),
    "MOD": Text("Model structure", "模型结构"),
    "LOS": Text("Loss", "损失"),
    "OPT": Text("Optimizer and schedule", "优化器与学习率调度"),
    "TRN": Text("Training dynamics", "训练过程"),
    "NUM": Text("Numerics", "数值"),
    "MEM": Text("Memory", "内存"),
    "PRF": Text("Performance", "性能"),
    "DST": Text("Distributed training", "分布式训练"),
    "RL": Text("Reinforcement learning", "强化学习"),
    "LLM": Text("Language models", "语言模型"),
    "CKP": Text("Checkpoints", "检查点"),
    "ENV": Text("Machine", "机器"),
    "INT": Text("torchward itself", "torchward 自身"),
}

FAMILIES = {
    "shapes": Text("Shapes", "形状"),
    "dtypes": Text("Element types", "元素类型"),
    "devices": Text("Devices", "设备"),
    "cuda": Text("CUDA", "CUDA"),
    "memory": Text("Main memory and killed processes", "内存与被终止的进程"),
    "loaders": Text("Datasets and loaders", "数据集与加载器"),
    "autograd": Text("Autograd", "自动求导"),
    "losses": Text("Losses and targets", "损失与目标"),
    "indices": Text("Indices", "下标"),
    "state-dicts": Text("State dicts", "state dict"),
    "checkpoints": Text("Checkpoint files", "检查点文件"),
    "amp": Text("Mixed precision", "混合精度"),
    "compile": Text("torch.compile", "torch.compile"),
    "distributed": Text("Distributed training", "分布式训练"),
    "lightning": Text("Lightning", "Lightning"),
    "huggingface": Text("Hugging Face", "Hugging Face"),
    "reinforcement-learning": Text("Reinforcement learning", "强化学习"),
    "tensorboard": Text("TensorBoard", "TensorBoard"),
    "environment": Text("Environment", "环境"),
    "notebooks": Text("Notebooks", "Notebook"),
    "extensions": Text("Compiled extensions", "编译的扩展"),
    "front-ends": Text("Front ends", "前端程序"),
    "python": Text("Python", "Python"),
}


@dataclass
class Page:
    """One page of one language. `url` is relative to the site's root."""

    language: Language
    section: str
    url: str
    title: str
    body: str
    toc: Sequence[tuple[str, Sequence[tuple[str, str]]]] = ()
    """The list beside it: (heading, [(title, url), ...])."""
    parts: list[tuple[str, str, str]] = field(default_factory=list)
    """What search finds: (anchor, heading, text)."""
    literals: Sequence[str] = ()
    """Of an error: what stands in a text that was pasted into the search, if it is this one."""


@dataclass
class Group:
    """The rules of a stage, or the errors of a family, each with its page."""

    anchor: str
    title: str
    members: Sequence[tuple[Rule, Page]]


Errors = Mapping[str, tuple[schema.Entry, Sequence[schema.Case]]]


@dataclass
class Source:
    """A Markdown file that becomes a page."""

    path: Path
    language: Language
    section: str
    url: str


def sources() -> list[Source]:
    """The guide and the handbook, in the order of their lists."""
    found = [Source(ROOT / "README.md", "en", "guide", "en/index.html")]
    found += [Source(ROOT / "README.zh.md", "zh", "guide", "zh/index.html")]
    for path in sorted((ROOT / "docs").glob("*.md")):
        chinese = path.name.endswith(".zh.md")
        language: Language = "zh" if chinese else "en"
        name = path.name.removesuffix(".zh.md" if chinese else ".md")
        found.append(Source(path, language, "guide", f"{language}/guide/{name}.html"))
    for name in ("CONTRIBUTING.md", "CHANGELOG.md", "changelog.d/README.md"):
        slug = name.lower().removesuffix(".md").replace(".d/readme", "-fragments")
        found.append(Source(ROOT / name, "en", "guide", f"en/guide/{slug}.html"))
    for language in LANGUAGES:
        folder = ROOT / "docs" / "handbook" / language
        order = re.findall(r"\]\(([\w-]+\.md)\)", (folder / "index.md").read_text(encoding="utf-8"))
        for name in ("index.md", *order):
            url = f"{language}/handbook/{name.removesuffix('.md')}.html"
            found.append(Source(folder / name, language, "handbook", url))
    return found


# --- text to HTML --------------------------------------------------------------------------------------------------


def label(name: str, language: Language) -> str:
    return LABELS[name].render(language, {})


def relative(url: str, page: str) -> str:
    """The way from one page of the site to another."""
    path, mark, anchor = url.partition("#")
    return os.path.relpath(path, os.path.dirname(page)).replace(os.sep, "/") + mark + anchor


def link(url: str, page: str, title: str, marks: str = "") -> str:
    """A link to a page of the site, from another one."""
    return f'<a{marks} href="{relative(url, page)}">{html.escape(title)}</a>'


def badge(title: str, kind: str = "") -> str:
    return f'<span class="{f"badge {kind}".strip()}">{html.escape(title)}</span>'


def bare(texts: Iterable[str]) -> str:
    """The texts of a rule as one line without marks."""
    return " ".join(" ".join(texts).replace("`", "").split())


def plain(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


@cache
def coloured(code: str, language: str, marked: tuple[int, ...] = ()) -> str:
    """Code as HTML; `marked` are the numbers of lines to stand out."""
    try:
        lexer = get_lexer_by_name(language or "text", stripnl=False)
    except ClassNotFound:
        lexer = get_lexer_by_name("text", stripnl=False)
    kind = "hl output" if language == "text" else "hl"
    formatter: HtmlFormatter[str] = HtmlFormatter(cssclass=kind, hl_lines=marked, wrapcode=True)
    return str(highlight(code, lexer, formatter))


class Writer:
    """Markdown to HTML, with links and codes that lead to the pages of the site."""

    def __init__(self, codes: Iterable[str], files: dict[Path, str]) -> None:
        self.codes = frozenset(codes)
        self.files = files
        self.copied: dict[Path, str] = {}
        self._pages = self._parser(MarkdownIt("commonmark").enable("table"))
        # The texts of rules: paragraphs, indented code and `code`, nothing else means anything there.
        self._texts = self._parser(MarkdownIt("zero").enable(["code", "backticks"]))

    def _parser(self, parser: MarkdownIt) -> MarkdownIt:
        def fence(tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
            words = tokens[index].info.split()
            return coloured(tokens[index].content, words[0] if words else "")

        parser.renderer.rules.update({
            "fence": fence,
            "code_block": fence,
            "table_open": lambda *_: '<div class="scroll"><table>',
            "table_close": lambda *_: "</table></div>",
        })  # fmt: skip
        parser.core.ruler.push("site", self._links)
        return parser

    def page(self, source: Source) -> Page:
        env: dict[str, Any] = {"source": source.path, "url": source.url, "language": source.language, "parts": []}
        body = self._pages.render(source.path.read_text(encoding="utf-8"), env)
        title = env["parts"][0][1] if env["parts"] else source.path.stem
        pieces = re.split(r'<h[1-6] id="', body)
        parts = [
            (anchor, heading, plain(piece.partition(">")[2]))
            for (anchor, heading), piece in zip(env["parts"], pieces[1:], strict=True)
        ]
        return Page(source.language, source.section, source.url, title, body, (), parts)

    def text(self, text: str, url: str, language: Language) -> str:
        """A text of a rule. Code that is indented under a sentence is a block of its own."""
        lines: list[str] = []
        for line in text.strip("\n").split("\n"):
            if lines and line.startswith("    ") != lines[-1].startswith("    "):
                lines.append("")
            lines.append(line)
        return str(self._texts.render("\n".join(lines), {"url": url, "language": language}))

    def _links(self, state: StateCore) -> None:
        slugs: set[str] = set()
        for index, token in enumerate(state.tokens):
            if token.type == "heading_open":
                heading = state.tokens[index + 1].content.replace("`", "")
                slug = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") or "section"
                while slug in slugs:
                    slug += "-1"
                slugs.add(slug)
                token.attrSet("id", slug)
                state.env["parts"].append((slug, heading))
            elif token.type == "inline":
                token.children = list(self._inline(token.children or [], state.env))

    def _inline(self, tokens: Sequence[Token], env: dict[str, Any]) -> Iterator[Token]:
        depth, before = 0, ""
        for token, after in zip(tokens, [*tokens[1:], Token("end", "", 0)], strict=False):
            depth += (token.type == "link_open") - (token.type == "link_close")
            if token.type == "link_open":
                token.attrSet("href", self._target(str(token.attrGet("href")), env))
            code = token.type == "code_inline"
            if token.type == "softbreak" and _JOINED.match(before[-1:] + after.content[:1]):
                continue  # the line ends there, but no word does
            if depth == 0 and (token.content in self.codes if code else token.type == "text"):
                linked = Token("html_inline", "", 0)
                markup = html.escape(token.content, quote=False)
                linked.content = _CODE.sub(lambda found: self.code(found[0], env["url"], env["language"]), markup)
                yield linked
            else:
                yield token
            before = token.content or before

    def code(self, code: str, url: str, language: Language) -> str:
        """A code as a link to its page; only text where there is no such code."""
        if code not in self.codes:
            return code
        return f'<a class="code" href="{relative(reference(code, language), url)}">{code}</a>'

    def _target(self, href: str, env: dict[str, Any]) -> str:
        if href.startswith(("https://", "http://", "mailto:", "#")):
            return href
        name, mark, anchor = href.partition("#")
        path = (env["source"].parent / name).resolve()
        path = path / "README.md" if path.is_dir() else path
        if path in self.files:
            return relative(self.files[path], env["url"]) + mark + anchor
        if not path.is_file():
            raise SystemExit(f"{env['source'].relative_to(ROOT)}: the link `{href}` leads nowhere")
        target = "files/" + path.relative_to(ROOT).as_posix().replace("/", "-")
        self.copied[path] = target
        return relative(target, env["url"])


def reference(code: str, language: Language) -> str:
    return f"{language}/{'errors' if code.startswith('ERR') else 'rules'}/{code}.html"


# --- rules and errors ----------------------------------------------------------------------------------------------


def section(title: str, body: str, anchor: str = "") -> str:
    mark = f' id="{anchor}"' if anchor else ""
    return f"<h2{mark}>{html.escape(title)}</h2>\n{body}\n" if body.strip() else ""


def listed(items: Iterable[str]) -> str:
    entries = "".join(f"<li>{item}</li>" for item in items)
    return f"<ul>{entries}</ul>" if entries else ""


def outside(links: Sequence[str]) -> str:
    return listed(f'<a href="{html.escape(link)}">{html.escape(link.removeprefix("https://"))}</a>' for link in links)


def severity(rule: Rule, language: Language) -> str:
    return badge(SEVERITY[rule.severity].render(language, {}), rule.severity.name.lower())


def numbered(rule: Rule) -> str:
    return f'<span class="number">{rule.code}</span> {rule.name}'


def head(rule: Rule, language: Language, more: str) -> str:
    """The title of a rule or an error and what is known of it in a word each."""
    badges = [severity(rule, language), badge(more)]
    if rule.preview:
        badges.append(badge(label("preview", language)))
    badges.append(badge(f"{label('since', language)} {rule.since}"))
    return f'<h1>{numbered(rule)}</h1>\n<p class="badges">{"".join(badges)}</p>\n'


def matching(patterns: Sequence[str], codes: Iterable[str]) -> list[str]:
    """The codes that `OPT001` and `TRN*` mean."""
    return [
        code
        for code in codes
        if any(code == one or (one[-1:] == "*" and code.startswith(one[:-1])) for one in patterns)
    ]


def stage(code: str) -> str:
    return code.rstrip("0123456789")


def differing(one: str, other: str) -> tuple[int, ...]:
    """Numbers of the lines of `one` that `other` does not have; none where nearly all differ."""
    ours, theirs = one.splitlines(), other.splitlines()
    found = tuple(
        number + 1
        for tag, start, end, _, _ in difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
        if tag != "equal"
        for number in range(start, end)
    )
    return found if len(found) < len(ours) / 2 else ()


def rule_page(rule: Rule, rules: Mapping[str, Rule], writer: Writer, language: Language) -> Page:
    url = reference(rule.code, language)
    texts = {name: shown(getattr(rule, name), language) for name in ("message", "why", "fix")}
    body = head(rule, language, STAGES[stage(rule.code)].render(language, {}))
    body += '<div class="says">' + writer.text(texts["message"], url, language) + "</div>\n"
    body += section(label("why", language), writer.text(texts["why"], url, language))
    body += section(label("fix", language), writer.text(texts["fix"], url, language))
    relations = {
        "explains": matching(rule.explains, rules),
        "explained by": [
            *dict.fromkeys(
                code
                for code, other in rules.items()
                if rule.code in matching(other.explains, [rule.code]) or code in matching(rule.explained_by, [code])
            )
        ],
    }
    machine = "" if not rule.code.startswith("ENV") else " machine"
    for name, other in (("bad", rule.good), ("good", rule.bad)):
        example = getattr(rule, name)
        if example.strip():
            marked = differing(example.strip("\n"), other.strip("\n"))
            note = f'<p class="quiet">{label("marked", language)}</p>' if marked else ""
            code = coloured(example.strip("\n") + "\n", "json" if machine else "python", marked)
            body += section(label(name + machine, language), note + code, name)
    for name, codes in relations.items():
        items = (f"{writer.code(code, url, language)} {rules[code].name}" for code in codes if code != rule.code)
        body += section(label(name, language), listed(items))
    body += section(label("links", language), outside(rule.links))
    title = f"{rule.code} {rule.name}"
    return Page(language, "rules", url, title, body, (), [("", title, bare(texts.values()))])


def error_page(
    entry: schema.Entry, cases: Sequence[schema.Case], rules: Mapping[str, Rule], writer: Writer, language: Language
) -> Page:
    rule, url = entry.rule, reference(entry.rule.code, language)
    say = {name: shown(getattr(rule, name), language) for name in ("message", "why", "fix")}
    body = head(rule, language, FAMILIES[entry.family].render(language, {}))
    body += '<div class="says">' + writer.text(say["message"], url, language) + "</div>\n"
    body += section(label("why", language), writer.text(say["why"], url, language))
    body += section(label("fix", language), writer.text(say["fix"], url, language))
    words = list(say.values())
    for branch in entry.branches:
        cause = branch.cause
        texts = {name: shown(getattr(cause, name), language) for name in ("why", "fix", "check")}
        words += texts.values()
        title = f"{label('cause', language)} · {cause.name}"
        inner = writer.text(texts["why"], url, language)
        for name in ("fix", "check"):
            if texts[name].strip():
                inner += f"<h3>{label(name, language)}</h3>\n" + writer.text(texts[name], url, language)
        body += f'<section class="cause">{section(title, inner)}</section>\n'
    program = next((case.repro for case in cases if case.repro), "")
    printed = next((case for case in cases if case.text and case.text.count("\n") < 40), None)
    if program:
        body += section(label("example", language), coloured(program.strip("\n") + "\n", "python"))
    elif printed:
        origin = f'<p class="quiet"><a href="{html.escape(printed.source)}">{label("source", language)}</a></p>'
        text = coloured(printed.text.strip("\n") + "\n", "text")
        body += section(label("log", language), text + (origin if printed.source else ""))
    body += section(label("recognised", language), listed(f"<code>{html.escape(one)}</code>" for one in entry.literals))
    causes = (f"{writer.code(code, url, language)} {rules[code].name}" for code in matching(rule.explained_by, rules))
    body += section(label("explained by", language), listed(causes))
    body += section(label("links", language), outside(rule.links))
    title = f"{rule.code} {rule.name}"
    return Page(
        language, "errors", url, title, body, (), [("", title, bare([*entry.literals, *words]))], entry.literals
    )


def index_page(kind: str, groups: Sequence[Group], writer: Writer, language: Language) -> Page:
    """The list of all rules or all errors."""
    url = f"{language}/{kind}/index.html"
    title = label(f"all {kind}", language)
    jumps = (
        f'<a href="#{group.anchor}">{html.escape(group.title)}&nbsp;<small>{len(group.members)}</small></a>'
        for group in groups
    )
    body = f'<h1>{title}</h1>\n<p class="jump">{" ".join(jumps)}</p>\n'
    for group in groups:
        body += f'<h2 id="{group.anchor}">{html.escape(group.title)}</h2>\n<dl class="list">\n'
        for rule, page in group.members:
            # Every error has the same severity.
            mark = severity(rule, language) if kind == "rules" else ""
            text = writer.text(" ".join(shown(rule.message, language).split()), url, language)
            body += f'<dt id="{rule.code}"><a href="{relative(page.url, url)}">{numbered(rule)}</a> {mark}</dt>'
            body += f"<dd>{text}</dd>\n"
        body += "</dl>\n"
    return Page(language, kind, url, title, body)


# --- the site ------------------------------------------------------------------------------------------------------


def grouped(found: Sequence[tuple[str, Rule, Page]], names: Mapping[str, Text], language: Language) -> Iterator[Group]:
    """Groups of (name of the group, rule, page), in the order of `names`; empty ones are left out."""
    for name, text in names.items():
        members = [(rule, page) for group, rule, page in found if group == name]
        title = text.render(language, {})
        if members:
            yield Group(name.lower(), f"{name} · {title}" if name.isupper() else title, members)


def of_texts(written: Sequence[Page], part: str, language: Language) -> Iterator[Page]:
    """The pages of the guide or the handbook, each with the list of them. What is not translated is listed too."""
    mine = [page for page in written if page.language == language and page.section == part]
    toc = [(page.title, page.url) for page in mine]
    have = {page.url.partition("/")[2] for page in mine}
    toc += [
        (page.title + label("in english", language), page.url)
        for page in written
        if page.section == part and page.language == "en" and page.url.partition("/")[2] not in have
    ]
    for page in mine:
        page.toc = [("", toc)]
        yield page


def pages(writer: Writer, texts: Sequence[Source], rules: Mapping[str, Rule], errors: Errors) -> Iterator[Page]:
    written = [writer.page(source) for source in texts]
    for language in LANGUAGES:
        yield from of_texts(written, "guide", language)
        yield from of_texts(written, "handbook", language)
        of_rules = [(stage(rule.code), rule, rule_page(rule, rules, writer, language)) for rule in rules.values()]
        of_errors = [
            (entry.family, entry.rule, error_page(entry, cases, rules, writer, language))
            for entry, cases in errors.values()
        ]
        for kind, found, names in (("rules", of_rules, STAGES), ("errors", of_errors, FAMILIES)):
            groups = list(grouped(found, names, language))
            index = index_page(kind, groups, writer, language)
            index.toc = [("", [(group.title, f"{index.url}#{group.anchor}") for group in groups])]
            yield index
            for group in groups:
                siblings = [(page.title, page.url) for _, page in group.members]
                for _, page in group.members:
                    page.toc = [("", [(index.title, index.url)]), (group.title, siblings)]
                    yield page


def around(page: Page) -> str:
    """Links to the page before and after it in its list."""
    entries = page.toc[-1][1] if page.toc else ()
    urls = [url for _, url in entries]
    if page.url not in urls:
        return ""
    here = urls.index(page.url)
    before = entries[here - 1] if here > 0 else None
    after = entries[here + 1] if here + 1 < len(entries) else None
    sides = ((before, ' class="before"'), (after, ' class="after"'))
    return "".join(link(entry[1], page.url, entry[0], marks) if entry else "<span></span>" for entry, marks in sides)


def finished(page: Page, template: Template, known: set[str]) -> str:
    language = page.language
    other: Language = "zh" if language == "en" else "en"
    twin = other + page.url[len(language) :]
    if twin not in known:
        twin = f"{other}/index.html"
    nav = ""
    for part, home in HOMES.items():
        here = ' aria-current="true"' if part == page.section else ""
        nav += link(f"{language}/{home}", page.url, label(part, language), here)
    toc = ""
    for heading, entries in page.toc:
        toc += (f"<h2>{html.escape(heading)}</h2>" if heading else "") + "<ul>"
        for title, url in entries:
            here = ' aria-current="page"' if url == page.url else ""
            toc += f"<li>{link(url, page.url, title, here)}</li>"
        toc += "</ul>"
    return template.substitute(
        lang="zh-CN" if language == "zh" else "en",
        title=html.escape(page.title if page.title == "torchward" else f"{page.title} · torchward"),
        root=relative(".", page.url) + "/",
        home=relative(f"{language}/index.html", page.url),
        nav=nav,
        twin=relative(twin, page.url),
        other=label("other", language),
        other_lang="zh-CN" if other == "zh" else "en",
        index=f"search-{language}.js",
        search=label("search", language),
        nothing=label("nothing", language),
        contents=label("contents", language),
        toc=toc,
        body=page.body,
        around=around(page),
        version=__version__,
    )


def build(out: Path) -> int:
    """Writes the site into a folder, in place of the one that was there, and gives the number of its pages."""
    if out.exists() and any(out.iterdir()) and not (out / "assets" / "search.js").is_file():
        raise SystemExit(f"{out} holds something else than this site; name another folder")
    texts = sources()
    rules, errors = load_rules(), schema.load()
    unnamed = {entry.family for entry, _ in errors.values()} - set(FAMILIES)
    unnamed |= {stage(code) for code in rules} - set(STAGES)
    if unnamed:
        raise SystemExit(f"docs/build.py has no title for {', '.join(sorted(unnamed))}")
    built_in = schema.Entry(Path(), "python", (), schema.Condition(), "", schema.Confidence.POSSIBLE, ERR001, ())
    errors = {ERR001.code: (built_in, ()), **errors}
    writer = Writer((*rules, *errors), {source.path.resolve(): source.url for source in texts})
    every = list(pages(writer, texts, rules, errors))
    known = {page.url for page in every}

    shutil.rmtree(out, ignore_errors=True)
    template = Template((THEME / "page.html").read_text(encoding="utf-8"))
    for page in every:
        target = out / page.url
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(finished(page, template, known), encoding="utf-8")
    for path, name in writer.copied.items():
        (out / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(path, out / name)
    (out / "assets").mkdir()
    shutil.copyfile(THEME / "search.js", out / "assets" / "search.js")
    light = HtmlFormatter(style="friendly").get_style_defs(".hl")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".hl")
    style = (THEME / "style.css").read_text(encoding="utf-8")
    style = f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{style}"
    (out / "assets" / "style.css").write_text(style, encoding="utf-8")
    for language in LANGUAGES:
        entries = [
            [
                heading if heading == page.title else f"{page.title} › {heading}",
                page.url + (f"#{anchor}" if anchor else ""),
                label(page.section, language),
                text,
                page.literals,
            ]
            for page in every
            if page.language == language
            for anchor, heading, text in page.parts
        ]
        # A script and not a file to fetch: `file://` allows no other way.
        data = "window.TORCHWARD = " + json.dumps(entries, ensure_ascii=False, separators=(",", ":")) + ";\n"
        (out / "assets" / f"search-{language}.js").write_text(data, encoding="utf-8")
    shutil.copyfile(THEME / "index.html", out / "index.html")
    return len(every)


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "site")
    count = build(folder)
    print(f"{count} pages; open {folder / 'index.html'}")
