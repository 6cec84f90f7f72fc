# expects: RL011
"""A tank is to be kept at a level; the pump takes litres a minute, from none to sixty."""

import gymnasium as gym
import numpy as np
from stable_baselines3 import PPO


class Tank(gym.Env):
    observation_space = gym.spaces.Box(-10.0, 10.0, (2,), np.float32)
    action_space = gym.spaces.Box(0.0, 60.0, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.level, self.time = float(self.np_random.uniform(20, 80)), 0
        self.goal = float(self.np_random.uniform(40, 60))
        return self._seen(), {}

    def _seen(self):
        return np.array([(self.level - self.goal) / 10, self.time / 50], np.float32)

    def step(self, action):
        flow = float(np.clip(action[0], 0.0, 60.0))
        self.level += 0.1 * flow - 3.0 + float(self.np_random.normal(0, 0.2))
        self.time += 1
        return self._seen(), -abs(self.level - self.goal) / 10, False, self.time >= 50, {}


model = PPO("MlpPolicy", Tank(), n_steps=256, batch_size=64, learning_rate=5e-4, seed=4)
model.learn(total_timesteps=3_000)
print("steps", model.num_timesteps)
