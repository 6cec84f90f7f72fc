# expects: nothing
"""A2C with its own settings, RMSprop and batches of five steps."""

import gymnasium as gym
from stable_baselines3 import A2C

env = gym.make("CartPole-v1")
model = A2C("MlpPolicy", env, seed=0)
model.learn(total_timesteps=1500, log_interval=20)
