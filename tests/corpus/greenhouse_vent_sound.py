# expects: nothing
import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

torch.set_num_threads(1)


class GreenhouseEnv(gym.Env):
    """Vent and heat a greenhouse: air temperature in kelvin, CO2 in ppm, outside temperature in kelvin."""

    LENGTH = 80

    def __init__(self):
        self.observation_space = spaces.Box(-np.inf, np.inf, (4,), np.float32)
        self.action_space = spaces.Discrete(4)

    def _obs(self):
        left = self.LENGTH - self.t
        return np.array([self.temp, self.co2, self.outside, left], dtype=np.float32)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        self.temp = self.np_random.uniform(286, 304)
        self.co2 = self.np_random.uniform(500, 1100)
        self.outside = self.np_random.uniform(278, 298)
        return self._obs(), {}

    def step(self, action):
        heat = 1.6 if action in (1, 3) else 0.0
        vent = 0.22 if action in (2, 3) else 0.02
        self.temp += heat + vent * (self.outside - self.temp) + 0.2 * self.np_random.normal() + 0.3
        self.co2 += 35 - vent * (self.co2 - 400) + 4 * self.np_random.normal()
        self.outside = np.clip(self.outside + 0.3 * self.np_random.normal(), 276, 300)
        self.t += 1
        cost = min(abs(self.temp - 295) / 5, 2.0) + min(abs(self.co2 - 800) / 200, 2.0) + 0.05 * (action in (1, 3))
        return self._obs(), float(-cost), False, self.t >= self.LENGTH, {}


def make_env(seed):
    def thunk():
        env = GreenhouseEnv()
        env.reset(seed=seed)
        return env
    return thunk


def run_policy(model, venv, episodes, seed):
    env = GreenhouseEnv()
    totals = []
    for ep in range(episodes):
        obs, _ = env.reset(seed=seed + ep)
        total, done = 0.0, False
        while not done:
            action, _ = model.predict(venv.normalize_obs(obs), deterministic=True)
            obs, reward, terminated, truncated, _ = env.step(int(action))
            total += reward
            done = terminated or truncated
        totals.append(total)
    return float(np.mean(totals)), float(np.std(totals))


class Report(BaseCallback):
    def __init__(self, every):
        super().__init__()
        self.every, self.rollouts = every, 0

    def _on_step(self):
        return True

    def _on_rollout_end(self):
        self.rollouts += 1
        if self.rollouts % self.every == 0:
            venv = self.model.get_env()
            mean, std = run_policy(self.model, venv, 5, seed=5000)
            print(f"steps {self.num_timesteps:6d}  evaluation return {mean:8.2f} +- {std:.2f}")


def main():
    venv = VecNormalize(DummyVecEnv([make_env(s) for s in range(8)]), norm_obs=True, norm_reward=True, gamma=0.97)
    model = PPO(
        "MlpPolicy", venv, learning_rate=1e-3, n_steps=128, batch_size=128, n_epochs=6, gamma=0.97,
        gae_lambda=0.95, clip_range=0.2, ent_coef=0.003, policy_kwargs=dict(net_arch=[32, 32]),
        seed=3, device="cpu",
    )
    model.learn(28_672, callback=Report(every=4))
    mean, std = run_policy(model, venv, 40, seed=9000)
    print(f"final evaluation over 40 episodes: {mean:.2f} +- {std:.2f}")


if __name__ == "__main__":
    main()
