"""stable-baselines3 under torchward: training stays as it is, and what is logged is explained."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from torchward.cli import main
from torchward.commands.metric import load
from torchward.engine import load_rules

TRAINING = """\
import random
import numpy
import torch
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecNormalize

torch.set_num_threads(1)
env = VecNormalize(make_vec_env("CartPole-v1", n_envs=2, seed=0))
first = PPO("MlpPolicy", env, n_steps=32, batch_size=32, n_epochs=2, seed=0)
first.learn(192)
second = DQN("MlpPolicy", "CartPole-v1", learning_starts=40, target_update_interval=50, seed=0)
second.learn(160, log_interval=1)
env.training = False
print(evaluate_policy(first, env, n_eval_episodes=2))
for model in (first, second):
    print([parameter.double().sum().item().hex() for parameter in model.policy.parameters()])
print(torch.rand(1).item().hex(), random.random().hex(), numpy.random.rand().hex())
print(sorted(vars(type(first))), PPO.learn.__qualname__, PPO.predict.__qualname__)
"""


@pytest.mark.torch
def test_training_is_the_same_and_its_logs_are_kept(tmp_path: Path) -> None:
    pytest.importorskip("stable_baselines3")
    script = tmp_path / "train.py"
    script.write_text(TRAINING, encoding="utf-8")
    folder = tmp_path / "run"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    outputs = [
        subprocess.run(
            [sys.executable, *words, str(script)],
            check=True,
            capture_output=True,
            text=True,
            timeout=300,
            cwd=tmp_path,
            env=environment,
        ).stdout
        for words in ((), ("-m", "torchward", "run", "--run-dir", str(folder)))
    ]
    assert outputs[0]
    assert outputs[1].startswith(outputs[0])
    rows = [json.loads(line) for log in (folder / "logs").glob("*.jsonl") for line in log.read_text().splitlines()]
    assert not [row for row in rows if row["k"] == "error"]
    logged = [row for row in rows if row["k"] == "rl"]
    assert {row["i"] for row in logged} == {0, 1}
    assert any("train/approx_kl" in row["v"] and "return_std" in row["b"] for row in logged)
    assert any("rollout/exploration_rate" in row["v"] and "reward_max" in row["b"] for row in logged)
    assert any(row["k"] == "learner" and row.get("no") for row in rows)


def test_every_metric_is_explained_in_both_languages_by_rules_that_exist() -> None:
    table = load()
    names = [name for entry in table for name in entry["names"]]
    assert len(names) == len(set(names)) > 40
    codes = set(load_rules(["RL"]))
    for entry in table:
        assert set(entry["rules"]) <= codes
        for key in ("what", "healthy", "bad"):
            assert entry[key]["en"]
            assert not re.search("[\u4e00-\u9fff]", entry[key]["en"])
            assert re.search("[\u4e00-\u9fff]", entry[key]["zh"])


def test_a_metric_is_found_by_its_last_part_and_a_slip_is_answered(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metric", "clipfrac", "--lang", "en"]) == 0
    assert "share of samples whose probability ratio left the clip range" in " ".join(capsys.readouterr().out.split())
    assert main(["metric", "explained_varience"]) == 2
    assert "explained_variance" in capsys.readouterr().err
    assert main(["metric", "--format", "json", "--lang", "zh"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(load())
