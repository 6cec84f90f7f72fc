# expects: nothing
import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize


class Greenhouse(gym.Env):
    """Heat a greenhouse to a wanted temperature. Kelvin and Watt, as the sensors deliver them."""

    action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
    observation_space = spaces.Box(-np.inf, np.inf, (4,), np.float32)
    horizon = 96

    def _obs(self):
        return np.array([self.inside, self.outside, self.wanted, self.sun], dtype=np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        self.inside = self.np_random.uniform(284.0, 300.0)
        self.outside = self.np_random.uniform(274.0, 290.0)
        self.wanted = self.np_random.uniform(290.0, 298.0)
        self.sun = self.np_random.uniform(0.0, 600.0)
        return self._obs(), {}

    def step(self, action):
        power = 10.0 * (float(np.clip(action[0], -1.0, 1.0)))
        drift = 0.08 * (self.outside - self.inside) + 0.002 * self.sun
        self.inside += 0.35 * power + drift + 0.1 * self.np_random.normal()
        self.sun = float(np.clip(self.sun + 25.0 * self.np_random.normal(), 0.0, 800.0))
        self.t += 1
        error = abs(self.inside - self.wanted)
        reward = -min(error, 10.0) / 10.0
        return self._obs(), reward, False, self.t >= self.horizon, {}


class Progress(BaseCallback):
    def _on_step(self):
        return True

    def _on_rollout_end(self):
        recent = [ep["r"] for ep in self.model.ep_info_buffer]
        if recent:
            print(f"steps {self.num_timesteps:6d}  mean return of the last {len(recent)} episodes {np.mean(recent):.2f}")


def make_train_env(n=8):
    venv = DummyVecEnv([lambda: Monitor(Greenhouse()) for _ in range(n)])
    return VecNormalize(venv, norm_obs=True, norm_reward=True, gamma=0.95)


def make_eval_env(train_env):
    venv = DummyVecEnv([lambda: Monitor(Greenhouse())])
    eval_env = VecNormalize(venv, training=False, norm_obs=True, norm_reward=False)
    eval_env.obs_rms = train_env.obs_rms
    eval_env.seed(1000)
    return eval_env


def main():
    torch.set_num_threads(1)
    train_env = make_train_env()
    model = PPO(
        "MlpPolicy", train_env, n_steps=256, batch_size=256, n_epochs=8, gamma=0.95,
        learning_rate=1e-3, ent_coef=0.0, seed=4, device="cpu",
        policy_kwargs=dict(net_arch=[48, 48]),
    )
    model.learn(total_timesteps=49_152, callback=Progress())
    eval_env = make_eval_env(train_env)
    mean, std = evaluate_policy(model, eval_env, n_eval_episodes=40, deterministic=True)
    print(f"evaluation over 40 new episodes: mean return {mean:.2f} +- {std:.2f}")


if __name__ == "__main__":
    main()
