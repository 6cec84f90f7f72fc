# expects: RL007
"""`learn` is called for each epoch and starts counting anew each time."""

from stable_baselines3 import DQN

model = DQN("MlpPolicy", "CartPole-v1", learning_starts=300, target_update_interval=100, seed=0)
for epoch in range(4):
    model.learn(total_timesteps=200, log_interval=1)
    print(epoch, model.num_timesteps)
