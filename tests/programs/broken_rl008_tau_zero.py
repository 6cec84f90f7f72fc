# expects: RL008
"""tau was set to 0 to "switch off" the soft update."""

from stable_baselines3 import DQN


def build(seed):
    return DQN(
        "MlpPolicy",
        "CartPole-v1",
        tau=0.0,
        target_update_interval=50,
        learning_starts=80,
        learning_rate=5e-4,
        seed=seed,
    )


build(7).learn(700, log_interval=2)
