"""Prompts in the batches of causal language models: what says where an answer begins, and does the loss know of it?"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from torchward.runtime.tensors import plain, tolist

LEAST_ROWS = 4
LEAST_PROMPT = 2
MOST_ROWS = 0.9
"""Share of the rows that must have a prompt and an answer."""
VARIED = 4
"""Different ids of the answers from which on what marks them marks no special tokens."""
FITS = 0.99
SEPARATED_ROWS = 8
"""Rows from which on one and the same token where each row's prompt ends is no chance, ..."""
SEPARATOR = 0.25
"""... if it makes up less of all tokens than this."""
ROWS_OF_TEMPLATE = 8
"""Rows at least that each text that rows begin with must have, on average ..."""
TEMPLATES = 4
"""... of so many at most."""
TEMPLATE_LENGTH, TEMPLATE_IDS = 5, 3
"""Tokens of such a text, and different ones among them: less may be a start token, or filling."""


class Found(NamedTuple):
    kind: str
    """What tells where the prompt ends: `labels`, `mask`, `lengths`, `template`."""
    share: float
    """Of the prompt among the positions that the loss counts."""
    tokens: int
    """Median length of the prompts."""
    texts: int
    """Of a template: in how many versions it comes."""


def in_loss(
    ids: torch.Tensor, target: torch.Tensor, ignore: int, beside: list[torch.Tensor], given: list[torch.Tensor]
) -> Found | None:
    """A prompt that the loss counts from its second token on. `target` is `ids` one place further; `beside`: what else
    the loader handed over, `given`: what the model was given."""
    counted = target != ignore
    total = float(counted.sum())
    if len(ids) < LEAST_ROWS or not total:
        return None
    for one in beside:
        answers = _answers(one, ids, target, ignore, given)
        found = _counted(answers[1], target, counted) if answers is not None else None
        if answers is not None and found is not None:
            return Found(answers[0], round(found[0] / total, 4), found[1], 0)
    return _template(ids, counted, total)


def _answers(
    one: torch.Tensor, ids: torch.Tensor, target: torch.Tensor, ignore: int, given: list[torch.Tensor]
) -> tuple[str, torch.Tensor] | None:
    """(kind, for each target: does it belong to an answer?)."""
    if one.shape[0] != len(ids) or one.device != ids.device:
        return None
    if one.dim() == 1:
        known = one.is_floating_point() or any(_same(one, other) for other in given)
        ends = None if known else _ends(one, ids)
        places = torch.arange(target.shape[1], device=ids.device) + 1  # in the input
        return ("lengths", places >= ends[:, None]) if ends is not None else None
    if one.dim() != 2 or (one.shape == ids.shape and torch.equal(one, ids)):
        return None
    for laid in _laid(one, target, ids.shape[1], ignore):
        values = laid.unique()
        if bool(((values == 0) | (values == 1)).all()) and len(values) == 2:
            if not any(_same(one, other) for other in given):
                return "mask", laid.bool()
        elif not one.is_floating_point() and int(values[0]) < 0:
            of_answer = (laid >= 0) & (target != ignore)
            if float((laid == target)[of_answer].float().mean()) >= FITS:
                return "labels", of_answer
    return None


def _laid(one: torch.Tensor, target: torch.Tensor, length: int, ignore: int) -> list[torch.Tensor]:
    """What is said of each target: by rows that are one longer than the targets, that were moved along with them, or
    that are as long as the input, of which the last place has no target."""
    width = target.shape[1]
    if one.shape[1] == width + 1:
        return [one[:, 1:]]
    if one.shape[1] != width:
        return []
    moved = torch.cat([one[:, 1:], one[:, -1:]], 1)
    # A library's own loss fills up the last place.
    return [moved] if width == length and bool((target[:, -1] == ignore).all()) else [one, moved]


def _ends(lengths: torch.Tensor, ids: torch.Tensor) -> torch.Tensor | None:
    """Where answers begin, if these are lengths of prompts: all end with one and the same token, and go on."""
    if len(ids) < SEPARATED_ROWS or len(lengths.unique()) < 3:
        return None
    if int(lengths.min()) < LEAST_PROMPT or int(lengths.max()) >= ids.shape[1]:
        return None
    lengths = lengths.long()
    for before in (1, 0):
        ends = ids.gather(1, (lengths - before)[:, None])
        alike = bool((ends == ends[0]).all())
        if alike and float((ids == ends[0]).float().mean()) < SEPARATOR:
            return lengths - before + 1
    return None


def _counted(answers: torch.Tensor, target: torch.Tensor, counted: torch.Tensor) -> tuple[float, int] | None:
    """(targets of prompts, median length), if the loss counts all of them as it does the answers."""
    prompt = answers.long().cummax(1).values == 0
    answered = answers & counted
    several = _different(target, answered) >= 2
    whole = answers.any(1) & several & (_different(target, prompt) >= LEAST_PROMPT)
    if float(whole.float().mean()) < MOST_ROWS or len(target[answered].unique()) < VARIED:
        return None
    prompt = prompt & whole[:, None]
    if float(counted[prompt].float().mean()) < FITS:
        return None
    return float(prompt.sum()), int(prompt.sum(1)[whole].float().median()) + 1


def _different(target: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """In each row, how many of the tokens there are another than the first such: 1 for none, 2 for any."""
    first = target.gather(1, where.long().argmax(1, keepdim=True))
    return where.any(1).long() + ((target != first) & where).any(1).long()


def _template(ids: torch.Tensor, counted: torch.Tensor, total: float) -> Found | None:
    """Rows that begin with one of a few texts and go on differently."""
    most = min(TEMPLATES, len(ids) // ROWS_OF_TEMPLATE)
    if not most or len(ids.unique(dim=0)) < len(ids) / 2:
        return None
    length, texts = 0, 0
    for size in range(TEMPLATE_LENGTH, ids.shape[1]):
        number = len(ids[:, :size].unique(dim=0))
        if number > most:
            break
        length, texts = size, number
    if length < TEMPLATE_LENGTH or min(len(set(row)) for row in tolist(ids[:, :length])) < TEMPLATE_IDS:
        return None
    known = counted[:, : length - 1]
    if float(known.float().mean()) < FITS:
        return None
    return Found("template", round(float(known.sum()) / total, 4), length, texts)


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """The model was given this, or a part of it, perhaps of another type."""
    if not plain(other) or other.shape[:1] != one.shape[:1] or other.dim() != one.dim():
        return False
    if one.dim() == 1:
        return torch.equal(one.double(), other.double().to(one.device))
    width = other.shape[1]
    if not 0 <= one.shape[1] - width <= 1 or other.device != one.device:
        return False
    parts = (one[:, :width], one[:, one.shape[1] - width :])
    return any(torch.equal(part.double(), told) for part in parts for told in (other.double(), 1 - other.double()))


def fields(found: Found | None) -> dict[str, Any]:
    """Fields of the probe."""
    if found is None:
        return {}
    return {"prompt": found.kind, "share": found.share, "tokens": found.tokens, "texts": found.texts}
