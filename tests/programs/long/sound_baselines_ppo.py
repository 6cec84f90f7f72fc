# expects: nothing
"""PPO as the documentation has it, on two environments at once, and an evaluation."""

from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

envs = make_vec_env("CartPole-v1", n_envs=2, seed=0)
model = PPO("MlpPolicy", envs, n_steps=64, n_epochs=5, learning_rate=1e-3, seed=0)
model.learn(total_timesteps=1500)
print(evaluate_policy(model, envs, n_eval_episodes=4))
