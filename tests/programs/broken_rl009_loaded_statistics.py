# expects: RL009
"""Statistics are saved and loaded for the evaluation, but not frozen."""

import tempfile
from pathlib import Path

import gymnasium as gym
from stable_baselines3 import A2C
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize


def make():
    return DummyVecEnv([lambda: gym.make("CartPole-v1")])


with tempfile.TemporaryDirectory() as folder:
    path = str(Path(folder, "stats.pkl"))
    train = VecNormalize(make(), norm_reward=False)
    model = A2C("MlpPolicy", train, n_steps=16, seed=0)
    model.learn(480, log_interval=10)
    train.save(path)

    test = VecNormalize.load(path, make())
    seen, total = test.reset(), 0.0
    for _ in range(150):
        action, _ = model.predict(seen, deterministic=True)
        seen, reward, done, _ = test.step(action)
        total += float(reward[0])
print(total)
