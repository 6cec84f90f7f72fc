"""Reads an error entry and checks it: every mistake is named with the file and the field.

Finding the few entries that can fit a text must not cost the reading of all: each file states, in one line near its
top, `literals`, substrings of which at least one occurs in whatever the entry explains. That line is read as text;
only files whose literals occur are parsed (and their `[[case]]` tables, which come last, are never parsed outside of
the tests).
"""

from __future__ import annotations

import json
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from torchward.errors import arithmetic
from torchward.rule import Cause, Confidence, Rule, Severity, Text

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    if sys.version_info >= (3, 11):
        from re import _constants as sre
        from re import _parser as sre_parse

        import tomllib
    else:  # pragma: no cover
        import sre_constants as sre
        import sre_parse

        import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

FOLDER = Path(__file__).parent
FAMILIES = (
    "shapes", "dtypes", "devices", "cuda", "memory", "loaders", "autograd", "losses", "indices", "state-dicts",
    "checkpoints", "amp", "compile", "distributed", "lightning", "huggingface", "reinforcement-learning", "tensorboard",
    "environment", "notebooks", "extensions", "front-ends", "python",
)  # fmt: skip

_FILE = re.compile(r"(err\d{3})_([a-z0-9_]+)\.toml")
_LITERALS = re.compile(r"^literals = (\[.*\])[ \t]*$", re.MULTILINE)
_CASES = re.compile(r"^\[\[case\]\]", re.MULTILINE)

WIDE = 2
"""Unbounded repeats of almost anything (`.*`, `[^x]+`, `\\S+`) that one pattern may hold: each multiplies the work."""
UNBOUNDED = 40
"""A repeat that may go on for longer than this counts as unbounded."""


class EntryError(ValueError):
    """An entry that breaks the rules of `docs/error-entries.md`."""


@dataclass(frozen=True)
class Condition:
    """What must be true of a crash; everything given must hold, and of a list of alternatives any one."""

    type: tuple[str, ...] = ()
    """Names of the exception's type, without module."""
    message: tuple[re.Pattern[str], ...] = ()
    """Searched in `Type: message` of the exception."""
    output: tuple[re.Pattern[str], ...] = ()
    """Searched in each line of the log that tells of something outside of tracebacks."""
    anywhere: tuple[re.Pattern[str], ...] = ()
    """Searched in all three of `message`, `output` and `chain`, line by line."""
    frames: tuple[re.Pattern[str], ...] = ()
    """Searched in each frame, as `file:function: source line`."""
    chain: tuple[re.Pattern[str], ...] = ()
    """Searched in `Type: message` of the other exceptions."""
    operands: tuple[re.Pattern[str], ...] = ()
    """Searched in each tensor and layer of the failing expression (live only), one line each."""
    file: tuple[str, ...] = ()
    """Kinds of the file that could not be loaded (live only)."""
    platform: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    """Package -> `<2.6`, `>=2`, `==none`."""
    exit: tuple[int, ...] = ()
    """Exit codes; negative ones are signals."""
    value: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Named group or computed value -> what it may be; `True` stands for anything but empty."""
    unless: Condition | None = None


@dataclass(frozen=True)
class Branch:
    """A cause of an entry with the condition under which the evidence speaks for it (None: it is always possible)."""

    cause: Cause
    when: Condition | None


@dataclass(frozen=True)
class Case:
    """An example of the error: a program that raises it, or what was once printed, with its source."""

    repro: str = ""
    text: str = ""
    source: str = ""
    torch: str = ""
    cause: str = ""
    """Name of the cause that must come first."""
    values: Mapping[str, Any] = field(default_factory=dict)
    exit: int | None = None
    alone: bool = False
    """The program needs a process of its own, not a fork."""


@dataclass(frozen=True)
class Entry:
    """One TOML file of `errors/`."""

    path: Path
    family: str
    literals: tuple[str, ...]
    match: Condition
    compute: str
    confidence: Confidence
    rule: Rule
    branches: tuple[Branch, ...]


def files(folder: Path = FOLDER) -> list[Path]:
    """All entries' files in order of their codes."""
    return sorted(path for path in folder.iterdir() if _FILE.fullmatch(path.name))


@cache
def _heads(folder: Path) -> tuple[tuple[Path, str, tuple[str, ...]], ...]:
    """(path, text without cases, literals) of every entry."""
    heads = []
    for path in files(folder):
        text = path.read_text(encoding="utf-8")
        cut = _CASES.search(text)
        text = text[: cut.start()] if cut else text
        heads.append((path, text, _literals(path, text)))
    return tuple(heads)


def _literals(path: Path, text: str) -> tuple[str, ...]:
    found = _LITERALS.search(text)
    if found is None:
        raise EntryError(f'{path.name}: needs a line `literals = ["...", ...]` near its top')
    try:
        literals = json.loads(found[1])
    except ValueError:
        raise EntryError(f"{path.name}: `literals` must be one line of double-quoted strings") from None
    if not literals or not all(isinstance(one, str) and len(one) >= 4 for one in literals):
        raise EntryError(f"{path.name}: `literals` must be strings of four characters or more")
    return tuple(literals)


def candidates(text: str, folder: Path = FOLDER) -> Iterator[tuple[str, Callable[[], Entry]]]:
    """(code, what reads it) of each entry of which a literal occurs in the text, in order of their codes.

    Reading raises `EntryError` for an entry that is broken; the others are still good.
    """
    for path, head, literals in _heads(folder):
        if any(literal in text for literal in literals):
            yield path.name[:6].upper(), partial(_entry, path, head)


@cache
def _entry(path: Path, text: str) -> Entry:
    return parse(path, text)[0]


def load(folder: Path = FOLDER) -> dict[str, tuple[Entry, tuple[Case, ...]]]:
    """Every entry with its cases, by code. Raises `EntryError`; meant for tests and lists, not for explaining."""
    entries = {}
    for path in files(folder):
        entry, cases = parse(path, path.read_text(encoding="utf-8"))
        entries[entry.rule.code] = (entry, cases)
    return entries


def codes(folder: Path = FOLDER) -> tuple[str, ...]:
    """The codes of all entries, from file names alone."""
    return tuple(path.name[:6].upper() for path in files(folder))


# --- parsing -------------------------------------------------------------------------------------------------------


class _Table:
    """A TOML table that knows where it stands, and which keys were asked for."""

    def __init__(self, path: Path, where: str, table: Any) -> None:
        if not isinstance(table, dict):
            raise EntryError(f"{path.name}: `{where}` must be a table")
        self._path, self._where, self._table = path, where, table
        self._known: set[str] = set()

    def fail(self, key: str, problem: str) -> EntryError:
        return EntryError(f"{self._path.name}: `{self.name(key)}` {problem}")

    def name(self, key: str) -> str:
        return f"{self._where}.{key}" if self._where else key

    def get(self, key: str, kind: type, default: Any = None) -> Any:
        self._known.add(key)
        if key not in self._table:
            if default is None:
                raise self.fail(key, "is missing")
            return default
        value = self._table[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.fail(key, f"must be of type {kind.__name__}, not {type(value).__name__}")
        return value

    def has(self, key: str) -> bool:
        return key in self._table

    def strings(self, key: str, default: Any = None) -> tuple[str, ...]:
        values = self.get(key, list, default)
        if not all(isinstance(value, str) and value for value in values):
            raise self.fail(key, "must be a list of strings")
        return tuple(values)

    def table(self, key: str, default: Any = None) -> _Table:
        return _Table(self._path, self.name(key), self.get(key, dict, default))

    def tables(self, key: str) -> list[_Table]:
        values = self.get(key, list, [])
        return [_Table(self._path, f"{self.name(key)}[{n}]", value) for n, value in enumerate(values)]

    def items(self) -> list[tuple[str, Any]]:
        self._known |= set(self._table)
        return list(self._table.items())

    def pattern(self, key: str, source: str) -> re.Pattern[str]:
        try:
            check_pattern(source)
            return re.compile(source)
        except (re.error, EntryError) as error:
            raise self.fail(key, f"holds a pattern that will not do, {source!r}: {error}") from None

    def end(self) -> None:
        """No key may be left over: a slip in a name must not be a silent default."""
        unknown = sorted(set(self._table) - self._known)
        if unknown:
            raise self.fail(unknown[0], f"is no field; fields here are {', '.join(sorted(self._known))}")


def parse(path: Path, text: str) -> tuple[Entry, tuple[Case, ...]]:
    """One entry and its cases. Raises `EntryError` that names the field."""
    try:
        top = _Table(path, "", tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise EntryError(f"{path.name}: is not valid TOML: {error}") from None
    file = _FILE.fullmatch(path.name)
    code, name = top.get("code", str), top.get("name", str)
    if file is None or file[1].upper() != code or file[2].replace("_", "-") != name:
        raise top.fail("code", f"and `name` must fit the file's name: {code.lower()}_{name.replace('-', '_')}.toml")
    family = top.get("family", str)
    if family not in FAMILIES:
        raise top.fail("family", f"must be one of {', '.join(FAMILIES)}")
    literals = top.strings("literals")
    if literals != _literals(path, text):
        raise top.fail("literals", "must stand at the top level, in one line")
    links = top.strings("links", [])
    if not all(link.startswith("https://") for link in links):
        raise top.fail("links", "must be https addresses")
    compute = top.get("compute", str, "")
    outputs: Mapping[str, Any] = {}
    if compute:
        if compute not in arithmetic.FUNCTIONS:
            raise top.fail("compute", f"must be one of {', '.join(sorted(arithmetic.FUNCTIONS))}")
        outputs = arithmetic.FUNCTIONS[compute].outputs
    match = _condition(top.table("match"))
    if not match.message and not match.output:
        raise top.fail("match", "needs `message` (of an exception) or `output` (a line outside of tracebacks)")
    given = {"type", *outputs, *_sure_groups(match.message), *_sure_groups(match.output)}
    _check_values(top, "match", match, {*given, *_groups(match)})

    tables = top.tables("cause")
    texts = _texts(top, given, ("message",) if tables else ("message", "why", "fix"), ("why",) if tables else ())
    branches = tuple(_branch(table, given, match, len(tables) > 1) for table in tables)
    names = [branch.cause.name for branch in branches]
    if len(set(names)) < len(names):
        raise top.fail("cause", "has a name twice")
    if tables and not any(branch.when is None for branch in branches) and len(tables) == 1:
        raise top.fail("cause", "with a condition needs a sibling for when it does not hold")
    rule = Rule(
        code=code,
        name=name,
        severity=Severity.ERROR,
        since=top.get("since", str, "0.1.0"),
        checks=(),
        message=texts["message"],
        why=texts["why"],
        fix=texts.get("fix", Text("", "")),
        bad="",
        good="",
        links=links,
        explained_by=top.strings("explained_by", []),
    )
    confidence = _confidence(top, "certain")
    cases = tuple(_case(table, names) for table in top.tables("case"))
    top.end()
    return Entry(path, family, literals, match, compute, confidence, rule, branches), cases


def _confidence(table: _Table, default: str) -> Confidence:
    word = table.get("confidence", str, default)
    try:
        return Confidence[word.upper()]
    except KeyError:
        raise table.fail("confidence", "must be certain, likely or possible") from None


def _texts(table: _Table, given: set[str], required: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, Text]:
    """The texts of a table's `en` and `zh`, by name; an optional one that is not given is empty."""
    texts = {}
    languages = {language: table.table(language) for language in ("en", "zh")}
    for name in (*required, *optional):
        en, zh = (languages[language].get(name, str, "").strip() for language in ("en", "zh"))
        if bool(en) != bool(zh):
            raise table.fail(f"en.{name}", "must be there in both languages or in neither")
        if name in required and not en:
            raise table.fail(f"en.{name}", "is missing or empty")
        text = Text(en, zh)
        try:
            english, chinese = text.fields()
        except ValueError as error:
            raise table.fail(f"en.{name}", f"or its Chinese twin has a brace that is no placeholder: {error}") from None
        if english != chinese:
            raise table.fail(f"zh.{name}", f"must hold the placeholders {sorted(english)}, not {sorted(chinese)}")
        asked = {re.split(r"[.\[]", field)[0] for field in english}
        if asked - given:
            unknown, known = (", ".join(sorted(names)) for names in (asked - given, given))
            raise table.fail(f"en.{name}", f"asks for {unknown}, which not every pattern gives; at hand: {known}")
        if zh.rstrip("。") != en.rstrip(".") and not re.search(
            "[\u4e00-\u9fff]", zh
        ):  # a line of code alone is the same in both
            raise table.fail(f"zh.{name}", "is not in Chinese")
        if re.search("[\u4e00-\u9fff]", en):
            raise table.fail(f"en.{name}", "is not in English")
        texts[name] = text
    for language in languages.values():
        language.end()
    return texts


def _branch(table: _Table, given: set[str], match: Condition, several: bool) -> Branch:
    when = _condition(table.table("when")) if table.has("when") else None
    table.get("when", dict, {})
    own = set(given)
    if when is not None:
        _check_values(table, "when", when, {*given, *_groups(match), *_groups(when)})
        for name in ("message", "output", "anywhere", "frames", "chain", "operands"):
            own |= _sure_groups(getattr(when, name))
    texts = _texts(table, own, ("why", "fix", "check") if several else ("why", "fix"), () if several else ("check",))
    confidence = _confidence(table, "likely" if when else "possible")
    cause = Cause(table.get("name", str), confidence, texts["why"], texts["fix"], texts["check"])
    table.end()
    return Branch(cause, when)


def _condition(table: _Table) -> Condition:
    def patterns(key: str) -> tuple[re.Pattern[str], ...]:
        return tuple(table.pattern(key, source) for source in table.strings(key, []))

    platform = table.strings("platform", [])
    if set(platform) - {"linux", "windows", "mac"}:
        raise table.fail("platform", "must be of linux, windows, mac")
    versions = {}
    for package, bound in table.table("versions", {}).items():
        if not re.fullmatch(r"(<|<=|>|>=|==)(\d+(\.\d+)*|none)", str(bound)):
            raise table.fail(f"versions.{package}", "must be a comparison such as `<2.6`")
        versions[package] = bound
    value = {}
    for name, allowed in table.table("value", {}).items():
        value[name] = tuple(allowed) if isinstance(allowed, list) else (allowed,)
    exits = table.get("exit", list, [])
    if not all(isinstance(one, int) for one in exits):
        raise table.fail("exit", "must be a list of whole numbers")
    unless = _condition(table.table("unless")) if table.has("unless") else None
    table.get("unless", dict, {})
    condition = Condition(
        type=table.strings("type", []),
        message=patterns("message"),
        output=patterns("output"),
        anywhere=patterns("anywhere"),
        frames=patterns("frames"),
        chain=patterns("chain"),
        operands=patterns("operands"),
        file=table.strings("file", []),
        platform=platform,
        versions=versions,
        exit=tuple(exits),
        value=value,
        unless=unless,
    )
    table.end()
    if condition == Condition():
        raise table.fail("", "is an empty condition")
    return condition


def _groups(condition: Condition) -> set[str]:
    groups: set[str] = set()
    for name in ("message", "output", "anywhere", "frames", "chain", "operands"):
        for pattern in getattr(condition, name):
            groups |= set(pattern.groupindex)
    return groups


def _sure_groups(patterns: tuple[re.Pattern[str], ...]) -> set[str]:
    """Groups that each of the alternative patterns has."""
    sets = [set(pattern.groupindex) for pattern in patterns]
    return set.intersection(*sets) if sets else set()


def _check_values(table: _Table, key: str, condition: Condition, given: set[str]) -> None:
    unknown = sorted(set(condition.value) - given)
    if unknown:
        raise table.fail(f"{key}.value.{unknown[0]}", "is neither a named group nor a computed value")


def _case(table: _Table, causes: list[str]) -> Case:
    exits = table.get("exit", int) if table.has("exit") else None
    table.get("exit", int, 0)
    case = Case(
        repro=table.get("repro", str, ""),
        text=table.get("text", str, ""),
        source=table.get("source", str, ""),
        torch=table.get("torch", str, ""),
        cause=table.get("cause", str, ""),
        values=dict(table.table("values", {}).items()),
        exit=exits,
        alone=table.get("alone", bool, False),
    )
    table.end()
    if bool(case.repro) == bool(case.text):
        raise table.fail("repro", "or `text`: a case has one of them")
    if case.text and not case.source.startswith("https://"):
        raise table.fail("source", "must be the address where the recorded text can be read")
    if case.cause and case.cause not in causes:
        raise table.fail("cause", f"names no cause of this entry: {', '.join(causes) or 'it has none'}")
    return case


# --- patterns that cannot stall ------------------------------------------------------------------------------------

_REPEATS = {sre.MAX_REPEAT, sre.MIN_REPEAT, *({sre.POSSESSIVE_REPEAT} if hasattr(sre, "POSSESSIVE_REPEAT") else ())}


def check_pattern(source: str) -> None:
    """Raise `EntryError` for a pattern that a hostile log could stall: backtracking stays a small polynomial.

    Not allowed: a repeat within an unbounded repeat, back references, more than `WIDE` unbounded repeats of wide sets.
    """
    wide = 0

    def walk(items: Any, inside: bool) -> None:
        nonlocal wide
        for op, argument in items:
            if op in _REPEATS:
                low, high, body = argument
                unbounded = high > UNBOUNDED
                if inside and (unbounded or high > 1):
                    raise EntryError("a repeat within an unbounded repeat")
                if unbounded and _is_wide(body):
                    wide += 1
                if not unbounded and high > 1 and low != high and inside:
                    raise EntryError("a repeat within an unbounded repeat")
                walk(body, inside or unbounded)
            elif op is sre.SUBPATTERN:
                walk(argument[-1], inside)
            elif op is sre.BRANCH:
                for branch in argument[1]:
                    walk(branch, inside)
            elif op in (sre.ASSERT, sre.ASSERT_NOT):
                walk(argument[1], inside)
            elif op in (sre.GROUPREF, sre.GROUPREF_EXISTS):
                raise EntryError("a back reference")

    walk(sre_parse.parse(source), False)
    if wide > WIDE:
        raise EntryError(f"more than {WIDE} unbounded repeats of wide sets such as `.*`")


def _is_wide(body: Any) -> bool:
    """Whether what is repeated takes letters and spaces alike, or most characters."""
    for op, argument in body:
        if op in (sre.ANY, sre.NOT_LITERAL):
            return True
        if op is sre.IN:
            for kind, what in argument:
                if kind is sre.NEGATE or (kind is sre.CATEGORY and "NOT" in str(what)):
                    return True
        if op is sre.SUBPATTERN and _is_wide(argument[-1]):
            return True
        if op is sre.BRANCH and any(_is_wide(branch) for branch in argument[1]):
            return True
    return False
