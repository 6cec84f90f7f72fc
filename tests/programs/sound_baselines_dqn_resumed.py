# expects: nothing
"""DQN saved, loaded and trained further; exploration is over by then."""

import tempfile
from pathlib import Path

from stable_baselines3 import DQN

settings = dict(learning_rate=1e-3, learning_starts=100, target_update_interval=100, exploration_fraction=0.3)
model = DQN("MlpPolicy", "CartPole-v1", seed=0, **settings)
model.learn(700, log_interval=4)
with tempfile.TemporaryDirectory() as folder:
    model.save(Path(folder, "agent"))
    again = DQN.load(Path(folder, "agent"), env=model.get_env())
again.learn(400, log_interval=4, reset_num_timesteps=False)
