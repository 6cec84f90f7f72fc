"""Does a loss favour long texts? Read from its graph, whatever way it was written."""

from __future__ import annotations

import math
from typing import Any

import pytest

pytestmark = pytest.mark.torch

ROWS, WIDTH, WORDS = 12, 9, 7
AGAIN = "(logp - logp.detach()).exp()"
FORMS = {
    "numbers": "-(logp * mask.float() * gain[:, None]).sum() / mask.sum()",
    "truth values": "(logp * mask * -gain[:, None]).sum(1).mean()",
    "mean of each": "-((logp * mask.float()).sum(1) / mask.sum(1) * gain).mean()",
    "where": "-(torch.where(mask, logp, 0.0).sum(1) * gain).mean()",
    "filled": "-(logp * gain[:, None]).masked_fill(~mask, 0).mean()",
    "time first": "-(logp.T * mask.T.float() * gain).sum(0).mean()",
    "together": "-(logp * (gain[:, None] * mask)).mean()",
    "ratio": f"-(torch.min({AGAIN} * gain[:, None], {AGAIN}.clamp(0.8, 1.2) * gain[:, None]) * mask.float()).mean()",
    "cross entropy": "(F.cross_entropy(scores.mT, chosen, reduction='none') * mask.float() * gain[:, None]).mean()",
}
SILENT = {
    "a share of the length is no advantage": "-((logp * mask.float()).sum(1) * (1 / long)).mean()",
    "advantages of each token": "-(logp * mask.float() * torch.randn(logp.shape)).mean()",
}


def _spoken(form: str, sign: float = 1.0, actions: bool = False) -> Any:
    """What torchward says of a loss; `actions`: what is chosen is not what is given next."""
    torch = pytest.importorskip("torch")
    from torchward.runtime import graph, lengths

    drawn = torch.Generator().manual_seed(0)
    ids = torch.randint(0, WORDS, (ROWS, WIDTH + 1), generator=drawn)
    chosen = torch.randint(0, WORDS, (ROWS, WIDTH), generator=drawn) if actions else ids[:, 1:]
    long = 1.0 + torch.arange(ROWS) % WIDTH
    scores = torch.nn.Linear(8, WORDS)(torch.nn.Embedding(WORDS, 8)(ids[:, :-1]))
    values = {
        "torch": torch,
        "F": torch.nn.functional,
        "scores": scores,
        "chosen": chosen,
        "logp": scores.log_softmax(-1).gather(2, chosen[:, :, None]).squeeze(2),
        "mask": torch.arange(WIDTH) < long[:, None],
        "long": long,
        "gain": sign * (long - long.mean() + 0.1),
    }
    return lengths.spoken(graph.walk(eval(form, values).grad_fn).nodes)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_forms(form: str, sign: float) -> None:
    found = _spoken(FORMS[form], sign)
    assert float(found.follows) == pytest.approx(sign, abs=0.01)
    assert float(found.mean) == pytest.approx(4.25)
    assert (float(found.width), float(found.again)) == (WIDTH, 1.0)


@pytest.mark.parametrize("form", SILENT)
def test_nothing_to_say(form: str) -> None:
    found = _spoken(SILENT[form])
    assert found is None or math.isnan(float(found.follows))


def test_actions_are_not_texts() -> None:
    assert float(_spoken(FORMS["numbers"], actions=True).again) < 0.9
