# expects: RL012
"""The reward does not depend on what the agent does."""

import gymnasium as gym
import numpy as np
from stable_baselines3 import DQN


class Weather(gym.Env):
    observation_space = gym.spaces.Box(0.0, 1.0, (3,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.hour = 0
        return self.np_random.random(3, np.float32), {}

    def step(self, action):
        self.hour += 1
        sunny = self.np_random.random() < 0.6
        return self.np_random.random(3, np.float32), float(sunny), self.hour >= 12, False, {}


agent = DQN("MlpPolicy", Weather(), learning_starts=64, train_freq=4, target_update_interval=60, seed=1)
agent.learn(1300, log_interval=4)
