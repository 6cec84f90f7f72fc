# expects: RL010
"""`evaluate_policy` on a fresh environment, without the wrapper of training."""

import gymnasium as gym
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecNormalize


def main():
    env = VecNormalize(make_vec_env("CartPole-v1", n_envs=2, seed=0), norm_obs=True, norm_reward=False)
    model = PPO("MlpPolicy", env, n_steps=32, n_epochs=3, batch_size=32, learning_rate=1e-3)
    model.learn(500)
    mean, deviation = evaluate_policy(model, make_vec_env("CartPole-v1", n_envs=1), n_eval_episodes=6)
    print(mean, deviation)


if __name__ == "__main__":
    main()
