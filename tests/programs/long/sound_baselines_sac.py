# expects: nothing
"""SAC on Pendulum through a callback that evaluates now and then."""

import gymnasium as gym
from stable_baselines3 import SAC
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.monitor import Monitor

evaluation = EvalCallback(Monitor(gym.make("Pendulum-v1")), eval_freq=500, n_eval_episodes=1, verbose=0)
model = SAC(
    "MlpPolicy", "Pendulum-v1", learning_starts=200, train_freq=8, policy_kwargs=dict(net_arch=[64, 64]), seed=0
)
model.learn(1000, callback=evaluation, log_interval=1)
