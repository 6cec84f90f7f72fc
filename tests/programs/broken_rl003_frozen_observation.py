# expects: RL003
"""The environment hands out noise in place of its state."""

import gymnasium as gym
import numpy as np
from stable_baselines3 import PPO


class Heater(gym.Env):
    observation_space = gym.spaces.Box(-3.0, 3.0, (3,), np.float32)
    action_space = gym.spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.heat, self.clock = self.np_random.normal(), 0
        return self.np_random.normal(size=3).clip(-3, 3).astype(np.float32), {}

    def step(self, action):
        self.clock += 1
        self.heat = 0.9 * self.heat + self.np_random.normal()
        reward = 2.0 + 0.1 * float(np.tanh(self.heat))
        return self.np_random.normal(size=3).clip(-3, 3).astype(np.float32), reward, False, self.clock >= 16, {}


agent = PPO("MlpPolicy", Heater(), n_steps=64, batch_size=32, n_epochs=2, learning_rate=1e-4, seed=5)
agent.learn(64 * 18)
