"""The reporters' own words in both languages, and how numbers, durations and places are written.

Texts of rules live with the rules; only what the reporters say themselves stands here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from torchward.rule import Confidence, Language, Place, Severity, Text

SEVERITY = {
    Severity.ERROR: Text("error", "错误"),
    Severity.WARNING: Text("warning", "警告"),
    Severity.HINT: Text("hint", "提示"),
}
CONFIDENCE = {
    Confidence.CERTAIN: Text("certain", "确定"),
    Confidence.LIKELY: Text("likely", "很可能"),
    Confidence.POSSIBLE: Text("possible", "可能"),
}
CONFIDENCE_MEANS = {
    Confidence.CERTAIN: Text("the mechanism itself was seen", "直接观察到了问题本身"),
    Confidence.LIKELY: Text(
        "likely: its traces were seen, and what is sound does not leave them",
        "很可能：看到了它的痕迹，正常的情况不会留下",
    ),
    Confidence.POSSIBLE: Text(
        "possible: the traces have innocent explanations too", "可能：这些痕迹也可能有无害的解释"
    ),
}

WORDS: dict[str, Text] = {
    # headings and labels
    "at": Text("at", "位置"),
    "Why": Text("Why", "原因"),
    "Fix": Text("Fix", "改法"),
    "why": Text("why", "原因"),
    "fix": Text("fix", "改法"),
    "sure": Text("sure?", "把握"),
    "note": Text("note", "说明"),
    "evidence": Text("Evidence", "证据"),
    "symptoms": Text("Symptoms it explains", "由它引起的症状"),
    "symptom": Text("symptom", "症状"),
    "findings": Text("Findings", "发现的问题"),
    "pictures": Text("The run in pictures", "运行图示"),
    "more": Text("Read more", "延伸阅读"),
    "report": Text("torchward report", "torchward 报告"),
    "looked_at": Text("Looked at", "已查看"),
    "could_not_look": Text("Could not look", "未能查看"),
    "cost": Text("Cost of watching", "观察的开销"),
    "started": Text("started {when}", "开始于 {when}"),
    "took": Text("took {duration}", "用时 {duration}"),
    "so_far": Text("{duration} so far", "已运行 {duration}"),
    "running": Text("still running", "仍在运行"),
    "exit_status": Text("exit status {status}", "退出状态 {status}"),
    # verdicts
    "clean": Text("no problems found.", "未发现问题。"),
    "clean_as_far": Text("no problems found in what could be looked at.", "在能够查看的范围内未发现问题。"),
    "clean_so_far": Text("no problems found so far.", "到目前为止未发现问题。"),
    "nothing_seen": Text("no training step was seen: nothing to judge.", "没有看到任何训练步，无从判断。"),
    "no_rules": Text("no rule was applied: nothing was judged.", "没有应用任何规则，因此没有作出判断。"),
    "silenced_label": Text("Silenced", "已屏蔽"),
    "silenced_here": Text("{n} by comments in the source", "{n} 个，由源码注释"),
    "silenced": Text("{n} silenced by comments in the source", "另有 {n} 个被源码注释屏蔽"),
    "further": Text("{n} more in short:", "其余 {n} 个，简述："),
    "rest": Text("and {n} more.", "还有 {n} 个。"),
    "show_all": Text("In full: {command}", "完整内容：{command}"),
    # the closing line
    "closing_looked": Text("looked at {things}", "查看了 {things}"),
    "closing_blind": Text("could not look at {things}", "未能查看：{things}"),
    "closing_cost": Text("cost {own}, {share} of the run", "开销 {own}，占运行时间的 {share}"),
    "closing_cost_unknown": Text("cost {own}", "开销 {own}"),
    "steps": Text("{steps} ({sampled} sampled)", "{steps}（采样 {sampled} 步）"),
    "named": Text("{count} ({names})", "{count}（{names}）"),
    "model": Text("{name}: {parameters} parameters", "{name}：{parameters} 个参数"),
    "of_which_probes": Text("{probes} of it for probes", "其中探针 {probes}"),
    "per_process": Text("{things} in {processes}", "{processes}中的 {things}"),
    "under": Text("under {share}", "不到 {share}"),
    # places
    "in_function": Text("{place} in {function}", "{place}（{function}）"),
    "module": Text("module {name}", "模块 {name}"),
    "parameter": Text("parameter {name}", "参数 {name}"),
    "one_step": Text("step {first}", "第 {first} 步"),
    "step_range": Text("steps {first}–{last}", "第 {first}–{last} 步"),
    "rank": Text("rank {rank}", "rank {rank}"),
    "process": Text("process {pid}", "进程 {pid}"),
    # pictures
    "by_step": Text("by step", "横轴：步"),
    "step": Text("step", "步"),
    "loss": Text("Loss", "损失"),
    "log_scale": Text("log scale", "对数坐标"),
    "training": Text("training", "训练"),
    "evaluation": Text("evaluation", "评估"),
    "one_training": Text("training {n}", "训练 {n}"),
    "gradients": Text("Gradient norm by layer", "各层梯度范数"),
    "gradients_note": Text("in order of registration, first on top; log colour", "按注册顺序，最先的在上；对数配色"),
    "updates": Text("Update ratio by layer", "各层更新比"),
    "updates_note": Text("change of weights / weights in one step, log scale", "每步权重变化与权重之比，对数坐标"),
    "mean_of": Text("mean of {n} steps", "{n} 步均值"),
    "no_gradient": Text("zero", "为零"),
    "guide": Text("1e-3 is usual", "通常约为 1e-3"),
    "median": Text("median of {n} layers", "{n} 层的中位数"),
    "range": Text("all layers", "全部层"),
    "activations": Text("Activations by layer", "各层激活"),
    "activations_note": Text(
        "share of values, last sample; small line: over the run", "最后一次采样的占比；小折线：全程变化"
    ),
    "zero": Text("zero", "为零"),
    "dead": Text("dead units", "失活单元"),
    "saturated": Text("saturated", "饱和"),
    "layers_left_out": Text("{n} further layers, less affected, are not drawn.", "另有 {n} 层受影响较小，未画出。"),
    "series_left_out": Text("{n} further series are not drawn.", "另有 {n} 条序列未画出。"),
    "processes_left_out": Text("{n} further processes are not drawn.", "另有 {n} 个进程未画出。"),
    "step_time": Text("Step time", "每步用时"),
    "loader_wait": Text("waiting for the loader", "等待数据加载器"),
    "loader_rest": Text("everything else", "其余"),
    "loader_share": Text("{share} of the time waiting for batches", "{share} 的时间在等待批次"),
    "lr": Text("Learning rate", "学习率"),
    "memory": Text("Memory of the process", "进程内存"),
    "not_finite": Text("NaN or inf", "NaN 或 inf"),
    "no_pictures": Text(
        "No training step was recorded, so there is nothing to draw.", "没有记录到训练步，因此没有可画的内容。"
    ),
    "pinned": Text("Numbers mark the steps where findings were seen.", "数字标出各个问题被看到的步。"),
}

_COUNTED = {
    "error": ("error", "errors", "{n} 个错误"),
    "warning": ("warning", "warnings", "{n} 个警告"),
    "hint": ("hint", "hints", "{n} 个提示"),
    "step": ("step", "steps", "{n} 步"),
    "model": ("model", "models", "{n} 个模型"),
    "optimizer": ("optimizer", "optimizers", "{n} 个优化器"),
    "loss": ("loss", "losses", "{n} 个损失"),
    "loader": ("loader", "loaders", "{n} 个数据加载器"),
    "probe": ("probe", "probes", "{n} 个探针"),
    "rule": ("rule", "rules", "{n} 条规则"),
    "process": ("process", "processes", "{n} 个进程"),
    "worker": ("worker", "workers", "{n} 个工作进程"),
}


def say(language: Language, key: str, **data: Any) -> str:
    """The phrase `key` with its placeholders filled."""
    return WORDS[key].render(language, data)


def counted(language: Language, n: int, noun: str) -> str:
    """`3 models`, `3 个模型`."""
    one, many, chinese = _COUNTED[noun]
    if language == "zh":
        return chinese.format(n=f"{n:,}")
    return f"{n:,} {one if n == 1 else many}"


def listing(language: Language, items: Sequence[str]) -> str:
    """Items as one enumeration."""
    return ("、" if language == "zh" else ", ").join(items)


def clauses(language: Language, items: Sequence[str]) -> str:
    """Clauses as one sentence."""
    return "；".join(items) + "。" if language == "zh" else "; ".join(items) + "."


def duration(language: Language, seconds: float) -> str:
    """`0.41 s`, `42 s`, `3 min 20 s`, `2 h 5 min`."""
    s, minute, hour = ("秒", "分", "小时") if language == "zh" else ("s", "min", "h")
    if seconds < 9.95:
        return f"{seconds:.2g} {s}" if seconds >= 0.001 or seconds == 0 else f"0.001 {s}"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} {s}"
    if whole < 3600:
        return f"{whole // 60} {minute} {whole % 60} {s}"
    return f"{whole // 3600} {hour} {whole % 3600 // 60} {minute}"


def percent(language: Language, share: float) -> str:
    """`12%`, `1.3%`, `under 0.1%`."""
    if 0 < share < 0.001:
        return say(language, "under", share="0.1%")
    return f"{share:.1%}" if 0 < share < 0.0995 else f"{share:.0%}"


def clean(text: str) -> str:
    """Text that any terminal, file or page can take: no control characters and no lone surrogates."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return "".join(
        c if c in "\n\t" or (c.isprintable() or c == "\u3000") else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def short_path(file: str) -> str:
    """The path relative to the working directory when it is inside, else as it was."""
    if not file:
        return ""
    try:
        relative = os.path.relpath(file)
    except ValueError:  # another drive on Windows
        return file
    return file if relative.startswith(os.pardir) else relative


def file_line(file: str, line: int) -> str:
    """`train.py:41`."""
    return f"{short_path(file)}:{line}" if line else short_path(file)


def place_parts(language: Language, place: Place) -> list[str]:
    """Where a finding points, from the most useful part (file and line) to the least."""
    parts = []
    if place.file:
        where = file_line(place.file, place.line)
        function = place.function
        if function and not function.startswith("<"):
            where = say(language, "in_function", place=where, function=function)
        parts.append(where)
    if place.parameter:
        parts.append(say(language, "parameter", name=place.parameter))
    elif place.module:
        parts.append(say(language, "module", name=place.module))
    first, last = place.first_step, place.last_step
    if first is None:
        first = last
    if first is not None:
        if last is None or last == first:
            parts.append(say(language, "one_step", first=first))
        else:
            parts.append(say(language, "step_range", first=first, last=last))
    if place.rank is not None:
        parts.append(say(language, "rank", rank=place.rank))
    return [clean(part) for part in parts]


def command_line(command: Sequence[str]) -> str:
    """The command as one would type it."""
    import shlex

    return clean(" ".join(shlex.quote(part) for part in command))


_REASONS = {
    r"the run ended within (\d+) steps": r"运行不到 \1 步就结束了",
    r"the run ended after (\d+) of (\d+) trial steps": r"试训 \2 步，到第 \1 步时运行已结束",
    r"the run ended before there was time for it": r"运行结束前没有轮到它",
    r"its inputs are too large to keep": r"输入太大，无法保留",
    r"its first input holds fewer than two examples": r"第一个输入不足两个样本",
    r"the model is gone": r"模型已不存在",
    r"the model is wrapped for several devices": r"模型已被多设备封装",
    r"the model is compiled(: its calls are not looked at)?": r"模型已编译，不观察其调用",
    r"the model is too large to copy": r"模型太大，无法复制",
    r"a copy of the model calls a `(.*)` that was not copied": r"模型的副本调用了未被复制的 `\1`",
    r"its outputs do not lie along the positions of its input": r"它的输出与输入的位置不对应",
    r"(`.*`) has hooks of the user's": r"\1 带有用户自己的 hook",
    r"(`.*`) reads or writes files": r"\1 会读写文件",
    r"(`.*`) uses the global (`.*`), which it could change": r"\1 使用了全局变量 \2，可能会修改它",
    r"(`.*`) uses (`.*`), which it could change": r"\1 使用了 \2，可能会修改它",
    r"the model cannot be copied: (.*)": r"模型无法复制：\1",
    r"the model could not be called again: (.*)": r"模型无法再次调用：\1",
    r"every step uses the same input": r"每一步使用同样的输入",
    r"the batch holds fewer than four examples": r"批次不足四个样本",
    r"all values of its input are one and the same": r"其输入的所有值都相同",
    r"it is given a nested tensor": r"其输入是嵌套张量",
    r"its rows belong together, and are too many to keep": r"其各行彼此关联，且数量太多无法保留",
    r"its rows belong together: the model does not take a part of them": r"其各行彼此关联：模型不接受其中一部分",
    r"an input is sparse, and no other values are known for it": r"有一个输入是稀疏张量，无法为其给出别的值",
    r"it is not certain which axis of the input is the batch": r"无法确定输入的哪一维是批次维",
    r"the first axis of the output is not the batch": r"输出的第一维不是批次维",
    r"one of its outputs is of all rows together, and may be what the loss judges": (
        r"其输出之一由所有行共同得出，损失评判的可能正是它"
    ),
    r"its outputs compare the examples of the batch with each other": r"其输出本来就在批次内的样本之间作比较",
    r"the model returns no floating-point tensor besides the loss": r"除损失外，模型没有返回浮点张量",
    r"the shape of the output depends on the values of the input": r"输出的形状取决于输入的值",
    r"the loss is not one that can be computed again from the output": r"无法由输出重新计算该损失",
    r"no parameter requires a gradient": r"没有需要梯度的参数",
    r"a call of the model takes too long for it": r"调用一次模型的时间过长",
    r"the shape of the output differs from call to call": r"每次调用输出的形状不同",
    r"its output has no gradient": r"其输出没有梯度",
    r"its outputs lie along the positions of its input in an unknown way": r"无法确定输出与输入位置的对应关系",
    r"`(.+)` does not say": r"`\1` 未提供",
    r"neither `nvidia-smi` nor the PCI bus could be asked": r"`nvidia-smi` 和 PCI 总线都无法查询",
    r"saved-tensor hooks \(checkpointing or offloading\) are in use": r"正在使用 saved-tensor hook（重计算或卸载）",
    r"more than ([\d,]+) tensors: the rest are not followed": r"张量超过 \1 个，其余未跟踪",
}
"""Reasons for not having looked, as the facts give them -> in Chinese. One that is not here is shown as it is."""

_LOOKED_FOR = {
    "leak probe": "样本串扰实验",
    "dependence probe": "输入依赖实验",
    "chance probe": "初始损失实验",
    "gradient probe": "梯度到达实验",
    "memorise probe": "单批次记忆实验",
    "leaf probe": "输出来源实验",
    "repeat probe": "重复调用实验",
    "position probe": "位置梯度实验",
    "padding probe": "填充不变性实验",
    "scale probe": "逐层尺度实验",
    "reshape probe": "变形顺序实验",
    "overflow probe": "前向溢出实验",
    "mode probe": "训练与评估一致性实验",
    "modules": "模块",
    "graph": "计算图",
    "parameters": "参数",
    "loss": "损失",
    "loader": "数据加载",
    "optimizer": "优化器",
    "recorder": "记录器",
    "everything else": "其余内容",
    "gpus": "GPU",
}


def reason(language: Language, why: str) -> str:
    """Why something could not be looked at, in the report's language."""
    if language == "zh":
        for pattern, chinese in _REASONS.items():
            match = re.fullmatch(pattern, why)
            if match:
                return match.expand(chinese)
    return why


def looked_for(language: Language, what: str) -> str:
    """What could not be looked at, in the report's language."""
    return _LOOKED_FOR.get(what, what) if language == "zh" else what
