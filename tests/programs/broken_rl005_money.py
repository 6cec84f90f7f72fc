# expects: RL005
"""A shop whose reward is counted in cents."""

import gymnasium as gym
import numpy as np
from stable_baselines3 import A2C


class Shop(gym.Env):
    observation_space = gym.spaces.Box(0.0, 1.0, (4,), np.float32)
    action_space = gym.spaces.Discrete(4)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.day = 0
        self.demand = self.np_random.uniform(size=4).astype(np.float32)
        return self.demand, {}

    def step(self, action):
        income = 100_00 * float(self.demand[action]) * 10
        self.day += 1
        self.demand = self.np_random.uniform(size=4).astype(np.float32)
        return self.demand, income, False, self.day >= 20, {}


A2C("MlpPolicy", Shop(), n_steps=20, seed=1).learn(600, log_interval=3)
