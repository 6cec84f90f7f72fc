# expects: RL002 RL013
"""The sign of the entropy bonus is wrong, in a world of eight doors."""

import gymnasium as gym
import numpy as np
from stable_baselines3 import A2C


class Doors(gym.Env):
    def __init__(self):
        self.observation_space = gym.spaces.Box(0.0, 1.0, (8,), np.float32)
        self.action_space = gym.spaces.Discrete(8)

    def _look(self):
        self.open = int(self.np_random.integers(8))
        seen = self.np_random.uniform(0, 0.5, 8)
        seen[self.open] = 1.0
        return seen.astype(np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.left = 16
        return self._look(), {}

    def step(self, action):
        reward = 1.0 if int(action) == self.open else 0.0
        self.left -= 1
        return self._look(), reward, False, self.left == 0, {}


def train():
    model = A2C("MlpPolicy", Doors(), ent_coef=-4.0, learning_rate=3e-3, n_steps=16, seed=0)
    model.learn(total_timesteps=1600, log_interval=4)


if __name__ == "__main__":
    train()
