# expects: RL011
"""Forces in newton: the policy tries between -3 and 3 of -200 to 200."""

import gymnasium as gym
import numpy as np
from stable_baselines3 import PPO


class Sledge(gym.Env):
    observation_space = gym.spaces.Box(-2.0, 2.0, (2,), np.float32)
    action_space = gym.spaces.Box(-200.0, 200.0, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x, self.v, self.n = float(self.np_random.uniform(-1, 1)), 0.0, 0
        return self._see(), {}

    def _see(self):
        return np.clip(np.array([self.x, self.v], np.float32), -2, 2)

    def step(self, action):
        self.v = 0.9 * self.v + 0.001 * float(action[0])
        self.x += self.v
        self.n += 1
        return self._see(), -abs(self.x), False, self.n >= 25, {}


PPO("MlpPolicy", Sledge(), n_steps=50, batch_size=50, n_epochs=3, learning_rate=1e-3, seed=0).learn(500)
