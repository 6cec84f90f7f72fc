# expects: RL006
"""Epsilon is 0 throughout: the author wanted a deterministic agent."""

from stable_baselines3 import DQN

agent = DQN(
    "MlpPolicy",
    "CartPole-v1",
    exploration_initial_eps=0.0,
    exploration_final_eps=0.0,
    learning_rate=1e-3,
    learning_starts=64,
    target_update_interval=64,
    seed=4,
)
agent.learn(800, log_interval=2)
