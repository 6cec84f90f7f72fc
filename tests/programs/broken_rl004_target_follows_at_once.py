# expects: RL004
"""The target network is the network itself (tau 1 at every step), and its rate is high."""

import gymnasium as gym
from stable_baselines3 import DQN

config = dict(learning_rate=0.008, tau=1.0, target_update_interval=1, train_freq=1, learning_starts=64, batch_size=32)


def main():
    env = gym.make("CartPole-v1")
    model = DQN("MlpPolicy", env, seed=2, policy_kwargs=dict(net_arch=[48, 48]), **config)
    model.learn(700, log_interval=2)


main()
