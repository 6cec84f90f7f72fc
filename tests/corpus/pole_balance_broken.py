# bug: learning_rate=5e-2 in HPARAMS: each PPO update moves the policy far outside the clip range, KL explodes, policy collapses
# expects: RL001
import time

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

SEED = 3
N_ENVS = 4
TOTAL_STEPS = 24_000

HPARAMS = dict(
    learning_rate=5e-2,
    n_steps=256,
    batch_size=128,
    n_epochs=8,
    gamma=0.98,
    gae_lambda=0.92,
    clip_range=0.2,
    ent_coef=0.0,
    vf_coef=0.5,
    max_grad_norm=0.5,
)


class NoisyPole(gym.Wrapper):
    """CartPole with sensor noise on the angles and a shorter episode limit."""

    def __init__(self, env, noise=0.01):
        super().__init__(env)
        self.noise = noise

    def _sense(self, obs):
        jitter = self.np_random.normal(0.0, self.noise, size=obs.shape)
        return (obs + jitter).astype(np.float32)

    def reset(self, **kwargs):
        obs, info = self.env.reset(**kwargs)
        return self._sense(obs), info

    def step(self, action):
        obs, reward, terminated, truncated, info = self.env.step(action)
        return self._sense(obs), reward, terminated, truncated, info


def make_env():
    return Monitor(NoisyPole(gym.make("CartPole-v1", max_episode_steps=400)))


class Progress(BaseCallback):
    def __init__(self, every=4):
        super().__init__()
        self.every = every
        self.rollouts = 0

    def _on_rollout_end(self):
        self.rollouts += 1
        if self.rollouts % self.every == 0 and self.model.ep_info_buffer:
            recent = np.mean([ep["r"] for ep in self.model.ep_info_buffer])
            print(f"steps {self.num_timesteps:6d}  mean episode reward {recent:7.1f}")

    def _on_step(self):
        return True


def main():
    torch.manual_seed(SEED)
    venv = DummyVecEnv([make_env for _ in range(N_ENVS)])
    model = PPO(
        "MlpPolicy",
        venv,
        seed=SEED,
        policy_kwargs=dict(net_arch=dict(pi=[64, 64], vf=[64, 64])),
        device="cpu",
        verbose=0,
        **HPARAMS,
    )
    start = time.time()
    model.learn(total_timesteps=TOTAL_STEPS, callback=Progress())
    print(f"trained in {time.time() - start:.0f} s")

    eval_env = make_env()
    eval_env.reset(seed=1000 + SEED)
    mean, std = evaluate_policy(model, eval_env, n_eval_episodes=8, deterministic=True)
    print(f"evaluation over 8 episodes: {mean:.1f} +/- {std:.1f}")


if __name__ == "__main__":
    main()
