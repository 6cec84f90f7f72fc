# expects: nothing
import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

MAX_WATT = 400.0


class GreenhouseEnv(gym.Env):
    """Keep a small greenhouse at its set point through a cold day.

    Two heaters (north and south bench), quarter-hour control, 96 steps a day.
    """

    def __init__(self):
        self.observation_space = spaces.Box(-np.inf, np.inf, (6,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)

    def _outside(self):
        return self.mean_out + 6.0 * np.sin(2 * np.pi * (self.t - 36) / 96)

    def _obs(self):
        phase = 2 * np.pi * self.t / 96
        return np.array([
            (self.temp[0] - self.goal) / 5, (self.temp[1] - self.goal) / 5,
            self._outside() / 10, (self.goal - 20) / 3, np.sin(phase), np.cos(phase),
        ], dtype=np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        self.mean_out = self.np_random.uniform(-2, 8)
        self.goal = self.np_random.uniform(18, 22)
        self.temp = self.goal + self.np_random.normal(0, 2.0, 2)
        return self._obs(), {}

    def step(self, action):
        watts = (np.clip(action, -1.0, 1.0) + 1.0) * 0.5 * MAX_WATT
        out = self._outside()
        mix = 0.1 * (self.temp[::-1] - self.temp)
        leak = 0.08 * (out - self.temp)
        gain = np.array([0.0085, 0.0070]) * watts
        self.temp = self.temp + leak + mix + gain + self.np_random.normal(0, 0.1, 2)
        self.t += 1
        miss = np.abs(self.temp - self.goal).mean()
        reward = -0.2 * min(miss, 10.0) - 0.0002 * watts.mean()
        return self._obs(), float(reward), False, self.t >= 96, {}


class Progress(BaseCallback):
    def __init__(self, every):
        super().__init__()
        self.every = every

    def _on_step(self):
        return True

    def _on_rollout_end(self):
        if self.num_timesteps % self.every < 1024:
            returns = [e["r"] for e in self.model.ep_info_buffer]
            if returns:
                print(f"{self.num_timesteps:7d} steps   mean day return {np.mean(returns):8.2f}")


def main():
    torch.set_num_threads(1)
    train_env = make_vec_env(GreenhouseEnv, n_envs=4, seed=17)
    model = PPO(
        "MlpPolicy", train_env, n_steps=256, batch_size=128, n_epochs=6,
        learning_rate=1e-3, gamma=0.95, gae_lambda=0.92, seed=17, device="cpu",
    )
    test_env = make_vec_env(GreenhouseEnv, n_envs=1, seed=9000)
    before, _ = evaluate_policy(model, test_env, n_eval_episodes=20)
    print(f"untrained: {before:.2f}")
    model.learn(total_timesteps=30_720, callback=Progress(5_120))
    test_env.seed(9000)
    after, spread = evaluate_policy(model, test_env, n_eval_episodes=40)
    print(f"trained: mean day return {after:.2f} +- {spread:.2f}")


if __name__ == "__main__":
    main()
