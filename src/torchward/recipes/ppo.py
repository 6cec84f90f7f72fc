"""Balance a pole on a cart with PPO, which learns from what it tries itself; every number of its log is explained.

what-zh:   用 PPO 学会平衡小车上的杆：从自己的尝试中学习，并解释日志中的每个数字
data:      Gymnasium's CartPole-v1, played while it learns; --env NAME: another environment of Gymnasium
data-zh:   Gymnasium 的 CartPole-v1，边玩边学；--env NAME：Gymnasium 的其他环境
time:      30 s
expect:    return 475 to 500
needs:     torch numpy gymnasium stable-baselines3
optional:  tensorboard
"""

import argparse
import contextlib
import io
import json
import os
import sys
import time
from pathlib import Path

try:
    import gymnasium
    import numpy as np
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.logger import KVWriter, Logger
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing.name} is not installed: pip install torch numpy gymnasium stable-baselines3")

ENVS = 8  # environments played at the same time
ROLLOUT = 128  # steps of each of them from one update of the policy to the next
ROLLOUTS = 10  # in an epoch, which ends with an evaluation and a checkpoint
EPISODES = 100  # of the last evaluation; CartPole-v1 counts as solved from a mean return of 475 on

# What the log says: name, what it is, what is healthy.
LOG = {
    "rollout/ep_rew_mean": (
        "mean return (sum of rewards) of the last 100 episodes played to learn from, random actions included",
        "rises, with setbacks; this is what all is about. CartPole pays 1 for each step: 22 by chance, at most 500",
    ),
    "rollout/ep_len_mean": (
        "mean number of steps of these episodes",
        "for CartPole the same number; where a goal is to be reached soon, it falls instead",
    ),
    "train/approx_kl": (
        "how far the last update moved the policy: KL divergence between the one that played and the new one",
        "0.003 to 0.03; again and again above 0.05: steps are too large, lower --lr; always 0: nothing moves",
    ),
    "train/clip_fraction": (
        "share of the samples whose action became so much more or less likely that the clip cut their gradient off",
        "0.05 to 0.2; above 0.3 the steps are too large",
    ),
    "train/clip_range": (
        "by how much an action's probability may change in one update before that",
        "0.1 to 0.2; here constant",
    ),
    "train/entropy_loss": (
        "minus the entropy of the policy: how undecided it is; a fair choice between 2 actions has -log 2 = -0.69",
        "rises slowly towards 0 as the policy makes up its mind; at 0 early, with a low return: it has stopped trying",
    ),
    "train/explained_variance": (
        "share of the differences between returns that the critic foresaw: 1 all, 0 none, below 0 worse than none",
        "rises from 0 towards 1. Once every episode is perfect there is nothing left to foresee, and it may fall again",
    ),
    "train/std": (
        "for actions that are numbers, how far the policy strays from its mean: its standard deviation",
        "begins at 1 and falls slowly; near 0 early: it has stopped trying",
    ),
    "train/value_loss": (
        "mean squared error of the critic, in squared units of the return",
        "grows while returns grow, then falls; growing without end: values run away",
    ),
    "train/policy_gradient_loss": (
        "what the policy minimises: the clipped gain of better actions, with a minus sign",
        "small and of either sign, -0.05 to 0.05; it need not fall, for it is measured anew on every rollout",
    ),
    "train/loss": (
        "policy, value and entropy terms of the last batch together: what the optimizer sees",
        "follows the value loss; it need not fall either",
    ),
    "train/learning_rate": ("Adam's step size now", "constant, or falling to 0 at the very end"),
    "train/n_updates": ("passes over rollouts so far", "counts up"),
    "time/fps": (
        "steps of all environments a second, learning included",
        "steady; for so small a network a GPU is no help",
    ),
    "time/time_elapsed": ("seconds since learning was last taken up", "counts up"),
    "time/total_timesteps": ("steps of all environments so far", "counts up"),
    "time/iterations": ("rollouts since learning was last taken up", "counts up"),
}


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="CartPole-v1", metavar="NAME", help="environment (default: %(default)s)")
    steps = f"of {ROLLOUTS * ROLLOUT * ENVS} steps of an environment each"
    parser.add_argument("--epochs", type=int, default=6, help=f"{steps} (default: %(default)s)")
    parser.add_argument("--lr", type=float, default=1e-3, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=256, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, mps (default: cpu, faster for so small a network)")
    parser.add_argument("--out", type=Path, default=Path("runs/ppo"), help="folder (default: %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="do not go on from the checkpoint in --out")
    parser.add_argument("--json", action="store_true", help="print the final metrics as JSON")
    args = parser.parse_args()
    if args.epochs < 1 or args.batch_size < 2 or not args.lr > 0:
        parser.error("--epochs and --lr must be above 0, --batch-size above 1")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        parser.error("this program trains in one process: start it without torchrun")
    return args


def fail(message):
    """Say what is wrong, and end with exit status 1."""
    sys.exit(f"error: {message}")


def say(*words):
    print(*words, file=sys.stderr, flush=True)


# --- playing and learning ---


class Log(KVWriter):
    """Receives what stable-baselines3 logs: keeps the newest of each number, and draws all in TensorBoard."""

    def __init__(self, writer):
        self.writer, self.newest = writer, {}

    def write(self, key_values, key_excluded, step=0):
        numbers = {name: float(value) for name, value in key_values.items()}
        self.newest.update(numbers)
        if self.writer:
            for name, value in numbers.items():
                self.writer.add_scalar(name, value, step)

    def close(self):
        if self.writer:
            self.writer.close()


class Bar(BaseCallback):
    """Progress on a terminal."""

    def __init__(self, title):
        super().__init__()
        self.title, self.rollouts = title, 0

    def _on_step(self):
        return True

    def _on_rollout_end(self):
        self.rollouts += 1
        if sys.stderr.isatty():
            bar = "#" * (24 * self.rollouts // ROLLOUTS)
            print(f"\r{self.title} [{bar:<24}]\r", end="", file=sys.stderr, flush=True)


def make(name, number):
    """So many environments of a name."""
    try:
        return make_vec_env(name, number)
    except (gymnasium.error.Error, ModuleNotFoundError) as error:
        fail(f"--env {name}: {error}")


def evaluate(agent, envs, episodes, seed):
    """Returns of so many episodes, in which the policy takes the action that it finds best."""
    envs.seed(seed)
    return evaluate_policy(agent, envs, episodes, return_episode_rewards=True)[0]


def explain(history):
    """Every number of the log: its value after the first epoch and after the last, what it is, what is healthy."""
    first, last = history[0]["log"], history[-1]["log"]
    lines = []
    for name, (what, healthy) in LOG.items():
        if name in last:
            lines.append(f"{name}: {first.get(name, last[name]):.4g} at first, {last[name]:.4g} at the end")
        elif name.startswith("time/"):
            lines.append(name)
        else:
            continue
        lines += [f"    {what}", f"    healthy: {healthy}"]
    return "\n".join(lines)


# --- the run's folder ---


def replace(path, data):
    """Write a file in one go: whoever reads it sees the old one or the new one, never half of it."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        fail(
            f"cannot write {path}: {error.strerror}. What was saved before is intact: the same command goes on from it"
        )


def save(path, state):
    buffer = io.BytesIO()
    torch.save(state, buffer)
    replace(path, buffer.getvalue())


def resume(path, settings, device):
    """The checkpoint to go on from, or None."""
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        before = state["settings"]
    except Exception as error:
        fail(f"{path}: no checkpoint of this program ({type(error).__name__}); start over with --fresh")
    changed = [f"{name} {before.get(name)}, now {now}" for name, now in settings.items() if before.get(name) != now]
    if changed:
        fail(f"{path} was made with other options ({'; '.join(changed)}): choose another --out, or add --fresh")
    return state


def curves(folder, step):
    """TensorBoard's writer, or None where the package is missing. Points from `step` on are written anew."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError:
        say("no TensorBoard curves: pip install tensorboard")
        return None
    return SummaryWriter(folder, purge_step=step)


# --- the program ---


def choose_device(name):
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        fail(f"--device {name}: {str(error).splitlines()[0]}")
    return device


def main():
    args = options()
    device = choose_device(args.device)
    envs, other_envs = make(args.env, ENVS), make(args.env, ENVS)  # to learn in, and to be examined in
    try:
        agent = PPO(
            "MlpPolicy",
            envs,
            learning_rate=args.lr,
            n_steps=ROLLOUT,
            batch_size=args.batch_size,
            n_epochs=10,
            gamma=0.98,
            gae_lambda=0.95,
            clip_range=0.2,
            seed=args.seed,
            device=device,
        )
    except (AssertionError, ValueError) as error:
        fail(f"--env {args.env}: {error}")

    # What shapes the curve: a checkpoint made with other values is not gone on from.
    settings = {"env": args.env, "lr": args.lr, "batch_size": args.batch_size, "seed": args.seed}
    checkpoint = args.out / "checkpoint.pt"
    history = []
    state = None if args.fresh else resume(checkpoint, settings, device)
    if state:
        agent.set_parameters(state["parameters"])
        agent.num_timesteps, agent._n_updates = state["steps"], state["updates"]
        history = state["history"]
        say(f"going on after epoch {len(history)}, from {checkpoint} (--fresh starts over)")
    log = Log(curves(args.out / "tensorboard", agent.num_timesteps + 1))
    agent.set_logger(Logger(str(args.out), [log]))

    for epoch in range(len(history) + 1, args.epochs + 1):
        started = time.time()
        # All that is drawn follows from seed and epoch, and the environments begin anew: a run that was interrupted
        # goes on as if it had not been.
        agent.set_random_seed(args.seed * 10_000 + epoch)
        agent.set_env(envs)
        agent.ep_info_buffer, log.newest = None, {}
        title = f"epoch {epoch:3}/{args.epochs}"
        agent.learn(ROLLOUTS * ROLLOUT * ENVS, Bar(title), reset_num_timesteps=False)
        agent.dump_logs()
        score = float(np.mean(evaluate(agent, other_envs, 2 * ENVS, args.seed * 10_000 + epoch)))
        numbers = {name: value for name, value in log.newest.items() if not name.startswith("time/")}
        history.append({"epoch": epoch, "steps": agent.num_timesteps, "return": score, "log": numbers})
        say(
            f"{title}  return {score:5.1f}  while learning {numbers.get('rollout/ep_rew_mean', float('nan')):5.1f}  "
            f"kl {numbers['train/approx_kl']:.4f}  entropy {-numbers['train/entropy_loss']:.3f}  "
            f"{time.time() - started:.1f} s"
        )
        parameters = agent.get_parameters()
        counts = {"steps": agent.num_timesteps, "updates": agent._n_updates}
        save(checkpoint, {"parameters": parameters, **counts, "history": history, "settings": settings})

    log.close()
    returns = evaluate(agent, other_envs, EPISODES, args.seed)
    explained = explain(history)
    replace(args.out / "log.txt", f"{explained}\n".encode())
    say(f"\nwhat the log says:\n{explained}\n")
    result = {
        "recipe": "ppo",
        "return": float(np.mean(returns)),
        "worst": float(np.min(returns)),
        "steps": agent.num_timesteps,
        "history": history,
    }
    replace(args.out / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
    text = f"return {result['return']:.1f} over {EPISODES} episodes (worst {result['worst']:.0f})"
    print(json.dumps(result) if args.json else f"{text} after {result['steps']} steps")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\ninterrupted: the last whole epoch is saved; the same command goes on from there")
        sys.exit(130)
