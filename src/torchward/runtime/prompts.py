"""Prompts in the batches of causal language models: what says where an answer begins, and does the loss know of it?"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch.nn import functional

from torchward.runtime.padding import padding_of, tail_of
from torchward.runtime.tensors import plain, tolist

LEAST_ROWS = 4
LEAST_PROMPT = 2
MOST_ROWS = 0.9
"""Share of the rows that must have a prompt and an answer."""
VARIED = 4
"""Different ids of the answers from which on what marks them marks no special tokens."""
FITS = 0.99
PADDINGS = 3
"""Different numbers of filling tokens, so that a rule that follows them is no chance."""
PER_TOKEN = 3
"""Tokens of prompts for each different one, from which on their entropy is known."""
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


ASKED_CALLS, ASKED_ROWS = 64, 4
"""Calls without gradients that are looked at; different rows that end where an answer would begin."""
MANY_CALLS = 512
"""... where one or two tokens are looked for: a validation on rows like those of training may come before."""
ENDED_ROWS = 2
"""... and where the loss leaves out what would come there: a generation takes a call a token, and few are looked at."""
ROWS_OF_CALL = 64
ALONE_ROWS, CLOSED_ROWS = 8, 2
"""Different texts that must be asked about one by one: more where nothing but the token that they begin with tells them
apart in a row, few where the loss does. A generation takes a call a token, and few calls are looked at."""


class Found(NamedTuple):
    kind: str
    """What tells where the prompt ends: `labels`, `mask`, `lengths`, `asked`, `template`."""
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


class Separators:
    """Tokens that each row of the first batch has once, in several places, with answers behind. Does one of them stand
    where what the model is asked without gradients ends?"""

    probe = "PromptProbe"

    def __init__(self, ids: torch.Tensor, target: torch.Tensor, ignore: int) -> None:
        self.known: dict[int, Found] = {}
        self.calls = 0
        self.rows: dict[int, set[tuple[int, ...]]] = {}
        counted = target != ignore
        if len(ids) < SEPARATED_ROWS or not bool(counted.any()):
            return
        places = torch.arange(target.shape[1], device=ids.device)
        for token in set(tolist(ids[0])):
            ends = _once(ids, token)
            if ends is None or int(ends.min()) < LEAST_PROMPT or len(ends.unique()) < 2:
                continue
            found = _counted(places >= ends[:, None], target, counted)
            if found is not None:
                share = round(found[0] / float(counted.sum()), 4)
                self.known[token], self.rows[token] = Found("asked", share, found[1], 0), set()

    def asked(self, ids: torch.Tensor) -> dict[str, Any] | None:
        """A call without gradients; fields of the probe once it is plain."""
        self.calls += 1
        for token, found in self.known.items():
            self.rows[token].update(_ending_in(ids, token))
            if len(self.rows[token]) >= ASKED_ROWS:
                self.known = {}
                return {"examples": len(ids), "length": ids.shape[1], **fields(found)}
        if self.calls >= ASKED_CALLS:
            self.known = {}
        return None


class Alone:
    """Rows of the first batch are filled up with whole texts, which all begin with one token, or end with one. Is the
    model asked about texts one by one?"""

    probe = "TokenProbe"

    def __init__(self, token: int, packed: dict[str, Any], closes: bool = False) -> None:
        self.known: dict[int, dict[str, Any]] = {token: packed}
        self.closes = closes
        self.calls = 0
        self.texts: set[tuple[int, ...]] = set()
        """Asked about so far, each with what a generation has added to it."""

    def asked(self, ids: torch.Tensor) -> dict[str, Any] | None:
        """A call without gradients; fields of the probe once it is plain."""
        self.calls += 1
        for token, packed in self.known.items():
            if ids.shape[1] >= LEAST_PROMPT and self._single(ids, token):
                rows = {tuple(row) for row in tolist(ids)}
                before = {row[:-1] for row in rows}
                # A call of a generation goes on with the texts of the one before.
                self.texts = (self.texts - before if before <= self.texts else self.texts) | rows
            if len(self.texts) >= (CLOSED_ROWS if self.closes else ALONE_ROWS):
                self.known = {}
                name = "end" if self.closes else "start"
                return {"examples": len(ids), "length": ids.shape[1], name: token, **packed}
        if self.calls >= MANY_CALLS:
            self.known = {}
        return None

    def _single(self, ids: torch.Tensor, token: int) -> bool:
        """Each row is of one text."""
        if self.closes:
            return not bool(_begin(ids, token, True, None).any())
        ends = _once(ids, token)
        return ends is not None and not bool(ends.any())


class Untaught:
    """Tokens that each row of the first batch has once, and behind which the loss leaves out one token, any, before it
    counts the rest. Is the model asked for just that one?"""

    probe = "PromptProbe"

    def __init__(self, ids: torch.Tensor, target: torch.Tensor, ignore: int) -> None:
        self.known: dict[int, dict[str, Any]] = {}
        self.calls = 0
        self.rows: dict[int, set[tuple[int, ...]]] = {}
        self.skipped: dict[int, set[int]] = {}
        """What is left out behind each of them: a prompt that ends in one of these ends there, not in the token."""
        counted = target != ignore
        if len(ids) < SEPARATED_ROWS or not bool(counted.any(1).all()):
            return
        first = counted.long().argmax(1)  # the target of one place is the token of the next
        for token in set(tolist(ids[0])):
            ends = _once(ids, token)
            if ends is None or int(ends.min()) < 1 or not bool((first == ends + 1).all()):
                continue
            skipped = set(tolist(ids.gather(1, first[:, None]).unique()))
            if len(skipped) >= VARIED:
                self.known[token], self.rows[token] = {"untaught": token, "skipped": len(skipped)}, set()
                self.skipped[token] = skipped

    def asked(self, ids: torch.Tensor) -> dict[str, Any] | None:
        """A call without gradients; fields of the probe once it is plain."""
        self.calls += 1
        for token, found in self.known.items():
            ended = _ending_in(ids, token)
            behind = {int(row[len(one)]) for row, one in zip(ids, ended, strict=False) if len(one) < len(row)}
            if behind and (len(ids) == 1 or behind & self.skipped[token]):
                continue
            self.rows[token].update(ended)
            if len(self.rows[token]) >= ENDED_ROWS:
                self.known = {}
                return {"examples": len(ids), "length": ids.shape[1], **found}
        if self.calls >= MANY_CALLS:
            self.known = {}
        return None


def _ending_in(ids: torch.Tensor, token: int) -> list[tuple[int, ...]]:
    """Rows, if all have the token once and nothing but filling behind it."""
    ends, places = _once(ids, token), torch.arange(ids.shape[1])
    if ends is None or len(ids[places > ends[:, None]].unique()) > 1:
        return []
    return [tuple(row[: end + 1]) for row, end in zip(tolist(ids), tolist(ends), strict=True)]


def guessed(
    separators: Separators, ids: torch.Tensor, target: torch.Tensor, scores: torch.Tensor, ignore: int
) -> dict[str, Any]:
    """Of the separator whose prompts are predicted worst: it, mean loss of what stands before it, entropy of this by
    how often each token is there, mean loss of what stands behind (nats); share and length of the prompts."""
    flat = scores[:, : target.shape[1]].flatten(0, 1), target.flatten()
    losses = functional.cross_entropy(*flat, ignore_index=ignore, reduction="none").view_as(target)
    places, counted = torch.arange(target.shape[1], device=ids.device), target != ignore
    worst: tuple[int, float, float, float, float, int] | None = None
    for token, found in separators.known.items():
        ends = _once(ids, token)
        if ends is None:
            continue
        before = counted & (places < ends[:, None] - 1)  # the target of one place is the token of the next
        behind = counted & (places >= ends[:, None])
        often = torch.unique(target[before], return_counts=True)[1].double()
        total = int(before.sum())
        if len(often) < VARIED or total < PER_TOKEN * len(often) or not bool(behind.any()):
            continue
        shares = often / total
        # Plug-in entropies are too small by this much (Miller 1955).
        entropy = float(-(shares * shares.log()).sum()) + (len(often) - 1) / (2 * total)
        lost, known = float(losses[before].mean()), float(losses[behind].mean())
        if worst is None or lost / entropy > worst[1] / worst[2]:
            worst = token, lost, entropy, known, found.share, found.tokens
    return {"guessing": list(worst)} if worst is not None else {}


def texts_in(
    ids: torch.Tensor, target: torch.Tensor, ignore: int, padding: int | None, count: int
) -> tuple[int, bool, torch.Tensor] | None:
    """(the token that tells the texts in a row apart, does it close them, where texts begin in `count` rows)."""
    token, closes = _start_of_texts(ids, padding), False
    if token is None:
        token, closes = _end_of_texts(ids, target, ignore, padding), True
    return (token, closes, _begin(ids[:count], token, closes, padding)) if token is not None else None


def _start_of_texts(ids: torch.Tensor, padding: int | None) -> int | None:
    """The token that all rows begin with, if they hold several texts that do, and are then filled up."""
    token = int(ids[0, 0])
    there = ids == token
    several = there.sum(1) >= 2
    if padding is None or padding == token or not bool(there[:, 0].all()) or float(several.float().mean()) < MOST_ROWS:
        return None
    return token if not bool((there[:, 1:] & there[:, :-1]).any()) else None


def _end_of_texts(ids: torch.Tensor, target: torch.Tensor, ignore: int, padding: int | None) -> int | None:
    """The token that closes the texts in each row, as the loss tells: it counts everything but what comes after one."""
    if not bool((target[:, -1] != ignore).any()):  # a library's own loss fills up the last place
        target = target[:, :-1]
    own, left = ids[:, : target.shape[1]], target == ignore
    tokens = [token for token in tolist(own[left].unique()) if token != padding] or [padding]
    if len(tokens) > 1 or tokens[0] is None or bool((own[~left] == tokens[0]).any()):
        return None
    several = _begin(ids, tokens[0], True, padding).any(1)
    return tokens[0] if float(several.float().mean()) >= MOST_ROWS else None


def _begin(ids: torch.Tensor, token: int, closes: bool, padding: int | None) -> torch.Tensor:
    """Where texts begin: with the token, or behind one of it that closes the text before."""
    if not closes:
        return ids == token
    begins = torch.zeros_like(ids, dtype=torch.bool)
    inside = (ids != token).cumsum(1) > 0  # what stands before the first text fills up the row
    begins[:, 1:] = (ids[:, :-1] == token) & (ids[:, 1:] != token) & inside[:, :-1]
    return begins if padding is None else begins & (ids != padding)


def _once(ids: torch.Tensor, token: int) -> torch.Tensor | None:
    """Where the token stands in each row; None unless it stands once in every one."""
    there = ids == token
    return there.long().argmax(1) if bool((there.sum(1) == 1).all()) else None


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


def by_other_edge(ids: torch.Tensor, target: torch.Tensor, ignore: int) -> dict[str, Any]:
    """Where answers begin, as the loss has it, may be right in rows without padding and moved by just the padding in
    others: fields of the probe. `target` is `ids` one place further."""
    counted = target != ignore
    last = target[:, -1:]
    if target.shape == ids.shape and bool((last != ignore).any()):  # what the input was cut off from its targets by
        ids = torch.cat([ids, torch.where(last != ignore, last, ids[:, -1:])], 1)
    width = ids.shape[1]
    if len(ids) < SEPARATED_ROWS or not bool(counted.any(1).all()) or bool(counted.all()):
        return {}
    first = counted.long().argmax(1) + 1  # in the input
    places = torch.arange(width, device=ids.device)
    for edge, laid in (("right", ids), ("left", ids.flip(1))):
        padding = padding_of(laid)
        if padding is None:
            continue
        tail = tail_of(laid, padding)
        filled = tail.sum(1)
        text = ~(tail if edge == "right" else tail.flip(1))
        if not bool((filled == 0).any()):
            continue
        for token in set(tolist(ids[filled == 0][0])):
            ends = _once(ids, token)
            if token == padding or ends is None:
                continue
            wrong = ends + 1 + (filled if edge == "right" else -filled)
            # Padding may have been left out afterwards.
            moved = (first == wrong) | ((edge == "left") & (first == filled) & (wrong < filled))
            if not bool(moved.all()) or len((first - ends)[first == wrong].unique()) < PADDINGS:
                continue
            answer = (places > ends[:, None]) & text
            asked = counted[:, : width - 1]
            missed = answer[:, 1:] & ~asked
            share = float(missed.sum() / answer[:, 1:].sum().clamp(min=1))
            others = float((asked & ~answer[:, 1:]).sum() / asked.sum().clamp(min=1))
            return {"edge": edge, "edge_token": token, "missed": round(share, 4), "beside": round(others, 4)}
    return {}


def fields(found: Found | None) -> dict[str, Any]:
    """Fields of the probe."""
    if found is None:
        return {}
    return {"prompt": found.kind, "share": found.share, "tokens": found.tokens, "texts": found.texts}
