# bug: train_step tiles the prompts (p0 p1 .. p7 p0 p1 ..) but group_advantages() views rewards as consecutive runs, so each "group" mixes different prompts
# expects: LLM021
"""Tune a tiny decoder with group-relative policy optimisation.

The prompt is a topic token; a reply of 8 tokens is sampled and scored by a
synthetic reward model that likes on-topic tokens and dislikes repetition.
"""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from transformers import GPT2Config, GPT2LMHeadModel


@dataclass
class Config:
    topics: int = 12
    vocab: int = 60
    reply_len: int = 8
    prompts_per_step: int = 8
    group_size: int = 8
    steps: int = 300
    lr: float = 1e-3
    clip: float = 0.2
    inner_epochs: int = 2
    seed: int = 3


class RewardModel:
    """Scores differ in level from topic to topic, as learned scorers' do."""

    def __init__(self, cfg, gen):
        self.cfg = cfg
        words = cfg.vocab - cfg.topics
        self.owner = torch.arange(words) % cfg.topics
        self.level = 4.0 * torch.randn(cfg.topics, generator=gen)

    def quality(self, topic, reply):
        words = reply - self.cfg.topics
        on_topic = (self.owner[words.clamp(min=0)] == topic[:, None]) & (words >= 0)
        repeats = (reply[:, 1:] == reply[:, :-1]).float().mean(1)
        return on_topic.float().mean(1) - 0.5 * repeats

    def __call__(self, topic, reply):
        return self.level[topic] + 4.0 * self.quality(topic, reply)


@torch.no_grad()
def sample(model, prompts, length):
    ids, past, cur = prompts, None, prompts
    for _ in range(length):
        out = model(input_ids=cur, past_key_values=past, use_cache=True)
        past = out.past_key_values
        cur = torch.multinomial(out.logits[:, -1].softmax(-1), 1)
        ids = torch.cat([ids, cur], dim=1)
    return ids


def token_logps(model, ids):
    logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
    logp = logits.log_softmax(-1)
    return logp.gather(-1, ids[:, 1:, None]).squeeze(-1)


def group_advantages(rewards, group_size):
    grouped = rewards.view(-1, group_size)
    centred = grouped - grouped.mean(dim=1, keepdim=True)
    return (centred / (grouped.std(dim=1, keepdim=True) + 1e-4)).view(-1)


def train_step(model, opt, reward_model, cfg, gen):
    topic = torch.randint(cfg.topics, (cfg.prompts_per_step,), generator=gen)
    prompts = topic[:, None].repeat(cfg.group_size, 1)
    ids = sample(model, prompts, cfg.reply_len)
    rewards = reward_model(ids[:, 0], ids[:, 1:])
    adv = group_advantages(rewards, cfg.group_size)
    with torch.no_grad():
        old = token_logps(model, ids)
    for _ in range(cfg.inner_epochs):
        ratio = (token_logps(model, ids) - old).exp()
        surr = torch.minimum(ratio * adv[:, None], ratio.clamp(1 - cfg.clip, 1 + cfg.clip) * adv[:, None])
        loss = -surr.mean()
        opt.zero_grad()
        loss.backward()
        grad = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
    return rewards.mean().item(), grad.item()


def evaluate(model, reward_model, cfg, per_topic=40):
    topic = torch.arange(cfg.topics).repeat(per_topic)
    ids = sample(model, topic[:, None], cfg.reply_len)
    return reward_model.quality(topic, ids[:, 1:]).mean().item()


def main():
    cfg = Config()
    torch.manual_seed(cfg.seed)
    gen = torch.Generator().manual_seed(cfg.seed)
    model = GPT2LMHeadModel(GPT2Config(
        vocab_size=cfg.vocab, n_positions=cfg.reply_len + 1, n_embd=64, n_layer=2, n_head=4,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        bos_token_id=None, eos_token_id=None))
    reward_model = RewardModel(cfg, gen)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=0.0)
    print(f"start: quality {evaluate(model, reward_model, cfg):.3f}")
    for step in range(1, cfg.steps + 1):
        reward, grad = train_step(model, opt, reward_model, cfg, gen)
        if step % 50 == 0:
            q = evaluate(model, reward_model, cfg)
            print(f"step {step:4d}  batch reward {reward:6.3f}  grad norm {grad:.3f}  quality {q:.3f}")


if __name__ == "__main__":
    main()
