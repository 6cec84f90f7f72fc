"""The reporters, on made-up facts: what they say, in both languages, and that nothing of the user's breaks them."""

from __future__ import annotations

import io
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

import made_up
from torchward.facts import Run, Series
from torchward.report import Outcome, _draw, _plots, _words
from torchward.report import html as html_report
from torchward.report import json as json_report
from torchward.report._summary import could_not_look, plain
from torchward.report.terminal import live, write
from torchward.rule import Confidence, Diagnosis, Finding, Place, Severity, Text

jsonschema = pytest.importorskip("jsonschema")


class Screen(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def terminal(outcome: Outcome, width: int | None = 100, everything: bool = False) -> str:
    stream = io.StringIO()
    write(outcome, stream, width=width, everything=everything)
    return stream.getvalue()


def flowing(text: str) -> str:
    """Without the folding."""
    return re.sub(r"\s+", " ", text)


def with_findings(*findings: Finding, rules: int = 41, **changes: object) -> Outcome:
    return made_up.outcome(diagnosis=Diagnosis(findings, rules=rules), **changes)


# --- terminal ---


def test_terminal_english() -> None:
    text = terminal(made_up.outcome())
    lines = text.splitlines()
    assert lines[0].startswith("torchward: 2 errors, 1 warning, 1 hint · python train.py --epochs 5 · ended normally")
    assert "✗ error OPT001 gradients-never-zeroed" in lines
    assert "  Gradients are never cleared: 48 of 48 sampled steps began on top of the step before." in lines
    assert "  at     /home/ana/digits/train.py:41 in train · steps 1–1,240" in lines
    assert "             optimizer.zero_grad()" in lines
    assert "    └ TRN001 loss-does-not-fall: The loss went from 2.303 to 2.287 over 1,240 steps." in lines
    assert text.index("OPT001") < text.index("TRN001") < text.index("LOS001")
    assert flowing(text).endswith(
        "torchward: looked at 1,240 steps (56 sampled), 1 model (net: 62,006 parameters), 1 optimizer (Adam), "
        "2 losses (cross_entropy), 1 loader, 2 probes, 41 rules; could not look at LOS014 (the graph was cut by a "
        "custom autograd function), leak probe (the model cannot be copied); 1 silenced by comments in the source; "
        "cost 0.41 s, 1.0% of the run. "
    )


def test_terminal_chinese() -> None:
    text = terminal(made_up.outcome("zh"), 1_000)
    assert "✗ 错误 OPT001 gradients-never-zeroed" in text
    assert "  位置  /home/ana/digits/train.py:41（train） · 第 1–1,240 步" in text
    assert "梯度从未清零：采样的 48 步中有 48 步在上一步的梯度之上继续累加。" in text
    assert "查看了 1,240 步（采样 56 步）、1 个模型（net：62,006 个参数）、1 个优化器（Adam）" in text
    assert "开销 0.41 秒，占运行时间的 1.0%。" in text
    for english in ("looked", "could not", "error ", "likely"):
        assert english not in text


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [60, 100])
def test_terminal_keeps_to_the_width(language: str, width: int) -> None:
    from rich.cells import cell_len

    text = terminal(made_up.outcome(language), width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert max(cell_len(line) for line in text.splitlines()) > width - 8  # and uses it
    for line in text.splitlines():
        assert line.strip()[:1] not in tuple("，。；：！？、）"), line  # closing marks do not begin a line


def test_terminal_confidence_in_words_unless_certain() -> None:
    text = terminal(made_up.outcome())
    certain, likely = text.index("LOS001"), text.index("MOD003")
    assert "sure?" not in text[certain:likely]
    assert "sure?  likely: its traces were seen" in text[likely:]


def test_terminal_sound_run_is_one_line() -> None:
    text = terminal(made_up.clean(), None)
    assert text.count("\n") == 1
    assert text.startswith("torchward: no problems found. Looked at 1,240 steps (56 sampled), 1 model (net: 62,006 ")
    assert text.endswith("cost 0.41 s, 1.0% of the run.\n")
    assert terminal(made_up.clean("zh"), None).startswith("torchward: 未发现问题。查看了 1,240 步")


def test_terminal_never_sells_silence_as_health() -> None:
    blind = made_up.clean(diagnosis=Diagnosis(could_not_look=(("graph", "no autograd"),), rules=41))
    assert "no problems found in what could be looked at. " in terminal(blind)
    assert "could not look at graph (no autograd)" in flowing(terminal(blind))
    empty = terminal(made_up.clean(runs=(), probes=()))
    assert empty == "torchward: no training step was seen: nothing to judge.\n"
    assert "torchward: no rule was applied: nothing was judged. " in terminal(made_up.clean(diagnosis=Diagnosis()))
    assert "no problems found so far." in terminal(made_up.clean(running=True, exit_status=None))


def test_terminal_keeps_to_a_screen() -> None:
    many = with_findings(*(replace(made_up.findings()[0], data={"dirty": n, "checked": 48}) for n in range(30)))
    text = terminal(many)
    assert len(text.splitlines()) < 75
    assert text.count("  why ") <= 5
    assert "In full: torchward show /home/ana/digits/.torchward/runs/1121-0112-train --all" in text
    everything = terminal(many, everything=True)
    assert everything.count("  why ") == 30
    assert "Evidence: dirty=29, checked=48" in everything


def test_terminal_colour_only_where_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = Screen()
    write(made_up.outcome(), screen, width=100)
    assert "\x1b[1;31m" in screen.getvalue()
    assert "\x1b" not in terminal(made_up.outcome())
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen()
    write(made_up.outcome(), screen, width=100)
    assert "\x1b" not in screen.getvalue()
    assert "error OPT001" in screen.getvalue()


def test_terminal_that_knows_only_ascii() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    write(made_up.outcome(), stream, width=80)
    assert b"x error OPT001" in raw.getvalue()


def test_live_is_short_and_every_line_is_marked() -> None:
    stream = io.StringIO()
    live(made_up.findings()[0], made_up.RULES, "en", stream)
    lines = stream.getvalue().splitlines()
    assert 1 <= len(lines) <= 4
    assert all(line.startswith("torchward: ") for line in lines)
    assert lines[0] == "torchward: ✗ error OPT001 gradients-never-zeroed"
    assert "48 of 48" in lines[1]
    assert "train.py:41" in lines[2]
    assert lines[3] == "torchward:   fix: Clear the gradients of Adam before each backward pass"


def test_control_characters_do_not_reach_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\x1b[2J"
    hostile = with_findings(
        Finding("MOD003", {"share": 0.5, "units": 3, "layer": evil}, Place(module=evil)), command=("python", evil)
    )
    assert "\x1b" not in terminal(hostile)
    assert "\x07" not in terminal(hostile)
    assert "[2J" in terminal(hostile)


def test_text_that_cannot_be_filled_is_shown_as_it_is() -> None:
    text = terminal(with_findings(Finding("OPT001", {}), Finding("XYZ999", {})))
    assert "Gradients are never cleared: {dirty} of {checked}" in text
    assert "XYZ999" in text


def test_severity_of_the_finding_comes_first() -> None:
    text = terminal(with_findings(replace(made_up.findings()[0], severity=Severity.HINT)))
    assert "- hint OPT001" in text


def test_words_have_both_languages_and_the_same_placeholders() -> None:
    tables = (_words.WORDS, _words.SEVERITY, _words.CONFIDENCE, _words.CONFIDENCE_MEANS)
    texts: list[Text] = [text for table in tables for text in table.values()]
    assert len(texts) > 50
    for text in texts:
        english, chinese = text.fields()
        assert english == chinese, text
        assert text.en
        assert text.zh
        assert not re.search(r"[\u4e00-\u9fff][A-Za-z0-9{]|[A-Za-z0-9][\u4e00-\u9fff]", text.zh), text.zh


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0.0, "0 s", "0 秒"),
        (0.41, "0.41 s", "0.41 秒"),
        (9.97, "10 s", "10 秒"),
        (59.7, "1 min 0 s", "1 分 0 秒"),
        (200, "3 min 20 s", "3 分 20 秒"),
        (7500, "2 h 5 min", "2 小时 5 分"),
    ],
)
def test_durations(seconds: float, english: str, chinese: str) -> None:
    assert _words.duration("en", seconds) == english
    assert _words.duration("zh", seconds) == chinese


def test_paths_are_relative_inside_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert _words.file_line(str(tmp_path / "a" / "train.py"), 3) == str(Path("a") / "train.py") + ":3"
    assert _words.file_line(str(tmp_path.parent / "train.py"), 3) == f"{tmp_path.parent / 'train.py'}:3"


def test_a_probe_that_gave_up_is_said_once() -> None:
    pairs = (("leak probe", "the model cannot be copied"),)
    assert could_not_look(made_up.outcome(diagnosis=Diagnosis(could_not_look=pairs))) == list(pairs)
    assert could_not_look(made_up.outcome(diagnosis=Diagnosis())) == list(pairs)


# --- JSON ---


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"runs": (), "probes": (), "diagnosis": Diagnosis(), "command": ()},
        {"running": True, "exit_status": None, "exit_text": ""},
        {"runs": (made_up.run(40, nan_from=5, rank=0), made_up.run(40, rank=1))},
        {"runs": (Run(own_seconds=math.nan),), "seconds": math.inf},
    ],
)
def test_json_is_as_its_schema_says(language: str, changes: dict[str, object]) -> None:
    jsonschema.Draft202012Validator.check_schema(json_report.schema())

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    report = json.loads(json_report.dump(made_up.outcome(language, **changes)), parse_constant=refuse)
    jsonschema.validate(report, json_report.schema())
    assert report["version"] == 1


def test_schema_describes_every_field_and_can_fail() -> None:
    report = json.loads(json_report.dump(made_up.outcome()))
    schema = json_report.schema()
    assert set(report) == set(schema["properties"])
    assert set(report["looked_at"]) == set(schema["$defs"]["looked_at"]["properties"])
    assert set(report["findings"][0]) == set(schema["$defs"]["finding"]["properties"])
    assert set(report["findings"][0]["place"]) == set(schema["$defs"]["finding"]["properties"]["place"]["properties"])
    report["findings"][0]["symptoms"][0]["severity"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report, schema)


def test_json_content() -> None:
    report = json.loads(json_report.dump(made_up.outcome("zh")))
    first = report["findings"][0]
    assert [finding["code"] for finding in report["findings"]] == ["OPT001", "LOS001", "MOD003", "PRF001"]
    assert (first["severity"], first["confidence"], first["symptoms"][0]["code"]) == ("error", "certain", "TRN001")
    assert first["message"].startswith("梯度从未清零")
    assert first["place"]["line"] == 41
    assert first["place"]["module"] is None
    assert report["findings"][2]["evidence"]["shares"] == [0.2, "nan", "inf"]
    assert report["looked_at"]["steps"] == 1_240
    assert report["looked_at"]["models"][0]["parameters"] == 62_006
    assert report["cost"]["share"] == pytest.approx(0.41 / 42.3)
    assert json_report.dump(made_up.outcome()) == json_report.dump(made_up.outcome())


def test_json_takes_any_evidence() -> None:
    value = plain({1: (math.nan, -math.inf), "b": {"x", "y"}, "c": b"raw", "d": "\udcff\x00", "e": None})
    assert value["1"] == ["nan", "-inf"]
    assert value["b"] == ["x", "y"]
    assert value["c"] == "b'raw'"
    assert value["d"] == "\\udcff\N{REPLACEMENT CHARACTER}"
    assert value["e"] is None
    json.dumps(value, allow_nan=False).encode()


# --- HTML ---


class Page(HTMLParser):
    """Checks that elements are closed in order, and keeps what the page loads and where it leads."""

    VOID = frozenset({"meta", "img", "br", "path", "rect"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            assert name != "id" or value not in self.ids
            {"id": self.ids, "href": self.links, "src": self.sources}.get(name, []).append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", ["en", "zh"])
def test_html_is_whole_and_self_contained(language: str) -> None:
    text = html_report.render(made_up.outcome(language))
    page = Page(text)
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert "link" not in page.tags
    assert page.tags.count("script") == 1
    assert page.tags.count("style") == 1
    assert f'<html lang="{"zh-Hans" if language == "zh" else "en"}">' in text
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest", text)


def test_html_policy_names_the_style_and_the_script() -> None:
    import base64
    import hashlib

    text = html_report.render(made_up.outcome())
    for tag in ("style", "script"):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert content
        digest = base64.b64encode(hashlib.sha256(content[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in text


def test_html_pins_lead_to_cards() -> None:
    page = Page(html_report.render(made_up.outcome()))
    assert {"f1", "f1a", "f2", "f3", "f4"} <= set(page.ids)
    inside = [link[1:] for link in page.links if link.startswith("#")]
    assert set(inside) <= set(page.ids)
    assert inside.count("f1a") == 2  # on its card and on the picture


def test_html_draws_every_picture() -> None:
    text = html_report.render(made_up.outcome())
    for title in ("Loss", "Gradient norm by layer", "Update ratio by layer", "Activations by layer", "Step time"):
        assert f"<b>{title}</b>" in text
    assert "1e-3 is usual" in text
    assert "37% of the time waiting for batches" in text
    assert "evaluation cross_entropy train.py:55" in text


def test_html_escapes_what_the_user_wrote() -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    run = made_up.run(30, [evil, "<i onclick=a>"])
    run = replace(
        run,
        models=(replace(run.models[0], name=evil, kind=evil),),
        optimizers=(replace(run.optimizers[0], kind=evil),),
        streams=(replace(run.streams[0], kind=evil),),
    )
    rules = {"MOD003": replace(made_up.RULES["MOD003"], links=(f'javascript:alert("{evil}")', f"https://x/{evil}"))}
    text = html_report.render(
        made_up.outcome(
            command=("python", evil), runs=(run,), notes=(evil,), rules=rules,
            diagnosis=Diagnosis(
                (Finding("MOD003", {"share": 0.5, "units": 3, "layer": evil, evil: evil}, Place(evil, 3, evil, evil)),),
                ((evil, evil),),
            ),
        )
    )  # fmt: skip
    page = Page(text)
    assert page.tags.count("script") == 1
    assert page.handlers == []
    assert all(source.startswith("data:") for source in page.sources)
    assert not any(link.startswith("javascript") for link in page.links)
    assert "&lt;script&gt;alert(1)" in text


def test_html_stays_small_however_long_the_run() -> None:
    layers = [f"transformer.h.{n // 4}.{('attn.qkv', 'attn.out', 'mlp.up', 'mlp.down')[n % 4]}" for n in range(500)]
    text = html_report.render(made_up.outcome(runs=(made_up.run(1_000_000, layers, samples=200),)))
    assert len(text.encode()) < 1_000_000
    eight = html_report.render(made_up.outcome(runs=tuple(made_up.run(3_000, layers[:100], rank=n) for n in range(12))))
    assert len(eight.encode()) < 1_000_000
    assert "4 further processes are not drawn." in eight
    for path in re.findall(r' d="([^"]*)"', text):
        assert len(re.findall("[ML]", path)) <= 2 * _plots.POINTS


def test_html_of_nothing() -> None:
    text = html_report.render(made_up.clean(runs=(), probes=(), command=(), started=""))
    Page(text)
    assert "No training step was recorded" in text
    bare = replace(
        made_up.run(3, []), losses=(), streams=(), step_seconds=Series(), resident_bytes=Series(), optimizers=()
    )
    text = html_report.render(made_up.clean(runs=(bare,)))
    Page(text)
    assert "<figure" not in text or "<b>Loss</b>" not in text


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_html_of_a_run_that_hardly_began(steps: int) -> None:
    Page(html_report.render(made_up.outcome(runs=(made_up.run(steps),))))


def test_html_where_everything_is_nan() -> None:
    text = html_report.render(made_up.outcome(runs=(made_up.run(300, nan_from=0),)))
    Page(text)
    assert "NaN or inf" in text
    assert not re.search(r'd="[^"]*(nan|inf)', text)


def test_html_marks_where_the_loss_is_not_finite() -> None:
    text = html_report.render(made_up.outcome(runs=(made_up.run(300, nan_from=200),)))
    assert '<rect class="nan" x="200" y="0" width="99"' in text
    assert 'rect class="nan"' not in html_report.render(made_up.outcome())


def test_html_one_section_per_rank() -> None:
    text = html_report.render(made_up.outcome(runs=(made_up.run(30, rank=1), made_up.run(30, rank=0))))
    Page(text)
    assert text.index("<small>rank 0</small>") < text.index("<small>rank 1</small>")


def test_html_several_trainings_are_told_apart() -> None:
    text = html_report.render(made_up.outcome(runs=(made_up.run(300, trainings=3),)))
    assert text.count('class="training"') == 3
    assert '<rect class="alt" x="100"' in text


# --- drawing ---


def test_thinning_keeps_spikes_and_gaps() -> None:
    values = [1.0] * 100_000
    values[54_321] = 900.0
    values[70_000:71_000] = [math.nan] * 1_000
    points = _draw.thin(Series(range(100_000), values), 600)
    assert len(points) <= 600
    assert (54_321, 900.0) in points
    assert any(math.isnan(value) for _, value in points)
    assert [step for step, _ in points] == sorted(step for step, _ in points)
    assert _draw.thin(Series([1, 5], [2.0, 3.0]), 600) == [(1, 2.0), (5, 3.0)]


def test_a_line_is_interrupted_where_values_are_not_finite() -> None:
    axis = _draw.Axis([0.0, 1.0], log=False)
    low, high = axis.at(0.0), axis.at(1.0)
    points = [(0, 1.0), (1, math.nan), (2, 0.0), (3, 1.0), (4, math.inf)]
    assert _draw.path(points, axis) == f"M0 {high:g}h0M2 {low:g}L3 {high:g}"


@pytest.mark.parametrize(
    ("values", "log"), [([0.01, 5.0, 0.3], True), ([1.0, 2.0], False), ([-1.0, 500.0], False), ([], False)]
)
def test_axis_is_logarithmic_when_it_pays(values: list[float], log: bool) -> None:
    axis = _draw.Axis(values)
    assert axis.log is log
    assert 2 <= len(axis.ticks()) <= 8
    assert all(0 <= axis.at(value) <= 1000 for value, _ in axis.ticks())


def test_axis_is_not_flattened_by_one_spike() -> None:
    axis = _draw.Axis([-1.0, *(math.sin(n) for n in range(500)), 1e9])
    assert axis.at(-1.0) - axis.at(1.0) > 100
    assert axis.at(1e9) == 0


def test_heat_map_shades() -> None:
    cells = _plots._cells({0: 1.0, 50: math.nan, 99: 0.0}, 10, 99)
    shades = [_draw.shade(cell, -3, 0) for cell in cells]
    assert shades[0] == 250
    assert shades[4] == 250  # as it was last seen
    assert shades[5] == 255
    assert _draw.shade(None, -3, 0) == 254
    assert _draw.shade(0.0, -3, 0) == 253


def test_confidence_is_shown_on_the_card() -> None:
    text = html_report.render(with_findings(replace(made_up.findings()[0], confidence=Confidence.POSSIBLE)))
    assert ">possible</span>" in text


def test_every_reason_for_not_looking_that_the_code_gives_is_said_in_chinese() -> None:
    from torchward.report._words import reason

    runtime = Path(__file__).parent.parent / "src" / "torchward" / "runtime"
    source = "".join(path.read_text(encoding="utf-8") for path in sorted(runtime.glob("*.py")))
    given = re.findall(r'CannotLookError\(f?"([^"]+)"\)|reason = "([^"]+)"|return f"(`[^"]+)"', source)
    reasons = [re.sub(r"\{[^}]*\}", "7", "".join(found)) for found in given]
    assert len(reasons) >= 12
    untold = [why for why in reasons if not re.search("[\u4e00-\u9fff]", reason("zh", why))]
    assert untold == []
    assert reason("en", reasons[0]) == reasons[0]
