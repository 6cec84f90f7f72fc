# expects: RL001
"""Each rollout is gone over forty times."""

import gymnasium as gym
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

envs = DummyVecEnv([lambda: gym.make("CartPole-v1") for _ in range(2)])
agent = PPO("MlpPolicy", envs, learning_rate=1e-2, n_steps=32, n_epochs=40, clip_range=0.9, ent_coef=0.02, seed=3)
agent.learn(700)
