"""Balance a pole on a cart with DQN, which learns what each action is worth; every number of its log is explained.

what-zh:   用 DQN 学会平衡小车上的杆：学习每个动作的价值，并解释日志中的每个数字
data:      Gymnasium's CartPole-v1, played while it learns; --env NAME: another environment with a choice of actions
data-zh:   Gymnasium 的 CartPole-v1，边玩边学；--env NAME：Gymnasium 中动作为离散选择的其他环境
time:      60 s
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
    from stable_baselines3 import DQN
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.logger import KVWriter, Logger
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing.name} is not installed: pip install torch numpy gymnasium stable-baselines3")

STEPS = 5_000  # of the environment in an epoch, which ends with an evaluation and a checkpoint
EVALUATED, ENVS = 20, 10  # episodes after each epoch, and environments that they are played in side by side
EPISODES = 100  # of the last evaluation; CartPole-v1 counts as solved from a mean return of 475 on
BUFFER = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")  # what is remembered
COUNTS = ("num_timesteps", "_n_updates", "_n_calls", "_episode_num")  # what the learner counts

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
    "rollout/exploration_rate": (
        "share of the actions that are drawn by lot, to see what else there is (epsilon)",
        "falls from 1 to a few hundredths, so that what is learned is used; 0 from the start: nothing is tried",
    ),
    "train/loss": (
        "temporal difference: how far a value is from the next rewards and the value of where they lead (Huber loss)",
        "grows with the values while returns grow, then levels off; growing without end: values run away, lower --lr",
    ),
    "train/learning_rate": ("Adam's step size now", "constant, or falling to 0 at the very end"),
    "train/n_updates": ("updates so far", "counts up; missing: learning has not begun, the memory is still filling"),
    "time/fps": ("steps of the environment a second, learning included", "steady"),
    "time/time_elapsed": ("seconds since learning was last taken up", "counts up"),
    "time/total_timesteps": ("steps of the environment so far", "counts up"),
    "time/episodes": ("episodes so far", "counts up, more slowly as they grow longer"),
}


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="CartPole-v1", metavar="NAME", help="environment (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=20, help=f"of {STEPS} steps each, at most (default: %(default)s)")
    parser.add_argument("--lr", type=float, default=1e-3, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=128, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, mps (default: cpu, faster for so small a network)")
    parser.add_argument("--out", type=Path, default=Path("runs/dqn"), help="folder (default: %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="do not go on from the checkpoint in --out")
    parser.add_argument("--json", action="store_true", help="print the final metrics as JSON")
    args = parser.parse_args()
    if args.epochs < 1 or args.batch_size < 1 or not args.lr > 0:
        parser.error("--epochs, --batch-size and --lr must be above 0")
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


class Epoch(BaseCallback):
    """Ends learning with the epoch, before the steps are done that the rate of exploration is reckoned by."""

    def __init__(self, number, title):
        super().__init__()
        self.end, self.title = number * STEPS, title

    def _on_step(self):
        done = STEPS - (self.end - self.num_timesteps)
        if done % 100 == 0 and sys.stderr.isatty():
            bar = "#" * (24 * done // STEPS)
            print(f"\r{self.title} [{bar:<24}]\r", end="", file=sys.stderr, flush=True)
        return self.num_timesteps < self.end


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


def memory(agent):
    """What the replay buffer holds, as tensors that share its numbers."""
    buffer = agent.replay_buffer
    rows = {name: torch.from_numpy(getattr(buffer, name)[: buffer.size()]) for name in BUFFER}
    return {**rows, "pos": buffer.pos}


def remember(agent, saved):
    buffer = agent.replay_buffer
    rows = len(saved["rewards"])
    for name in BUFFER:
        getattr(buffer, name)[:rows] = saved[name].cpu().numpy()
    buffer.pos, buffer.full = saved["pos"], rows == buffer.buffer_size


def main():
    args = options()
    device = choose_device(args.device)
    env, envs = make(args.env, 1), make(args.env, ENVS)  # to learn in, and to be examined in
    try:
        agent = DQN(
            "MlpPolicy",
            env,
            learning_rate=args.lr,
            buffer_size=100_000,
            learning_starts=1_000,
            batch_size=args.batch_size,
            gamma=0.98,
            n_steps=3,  # rewards that are seen before a value is believed
            train_freq=8,
            gradient_steps=4,
            target_update_interval=8,
            tau=0.04,  # targets follow slowly, a little at a time: in jumps, values chase each other
            exploration_fraction=0.06,
            exploration_final_eps=0.06,
            policy_kwargs={"net_arch": [64, 64]},
            seed=args.seed,
            device=device,
        )
    except (AssertionError, ValueError) as error:
        fail(f"--env {args.env}: {error}")

    # What shapes the curve: a checkpoint made with other values is not gone on from.
    names = ("env", "epochs", "lr", "batch_size", "seed")  # of --epochs, exploration takes its share
    settings = {name: getattr(args, name) for name in names}
    checkpoint = args.out / "checkpoint.pt"
    history, best = [], {"return": float("-inf"), "worst": float("-inf"), "policy": None}
    solved = env.get_attr("spec")[0].reward_threshold or float("inf")  # no need to go on beyond
    state = None if args.fresh else resume(checkpoint, settings, device)
    if state:
        agent.set_parameters(state["parameters"])
        remember(agent, state["memory"])
        for name, count in state["counts"].items():
            setattr(agent, name, count)
        history, best = state["history"], state["best"]
        say(f"going on after epoch {len(history)}, from {checkpoint} (--fresh starts over)")
    log = Log(curves(args.out / "tensorboard", agent.num_timesteps + 1))
    agent.set_logger(Logger(str(args.out), [log]))

    for epoch in range(len(history) + 1, args.epochs + 1):
        if best["worst"] >= solved:
            break
        started = time.time()
        # All that is drawn follows from seed and epoch, and the environment begins anew: a run that was interrupted
        # goes on as if it had not been.
        agent.set_random_seed(args.seed * 10_000 + epoch)
        agent.set_env(env)
        agent.ep_info_buffer, log.newest = None, {}
        title = f"epoch {epoch:3}/{args.epochs}"
        left = args.epochs * STEPS - agent.num_timesteps
        agent.learn(left, Epoch(epoch, title), log_interval=10, reset_num_timesteps=False)
        agent.replay_buffer.timeouts[agent.replay_buffer.pos - 1] = 1  # the episode under way is cut off here
        agent.dump_logs()
        returns = evaluate(agent, envs, EVALUATED, args.seed * 10_000 + epoch)
        score = float(np.mean(returns))
        if score >= best["return"]:  # DQN forgets, too: what is kept at the end is the best policy, not the last
            policy = {name: value.clone() for name, value in agent.policy.state_dict().items()}
            best = {"return": score, "worst": float(np.min(returns)), "epoch": epoch, "policy": policy}
        numbers = {name: value for name, value in log.newest.items() if not name.startswith("time/")}
        history.append({"epoch": epoch, "steps": agent.num_timesteps, "return": score, "log": numbers})
        say(
            f"{title}  return {score:5.1f}  while learning {numbers.get('rollout/ep_rew_mean', float('nan')):5.1f}  "
            f"loss {numbers['train/loss']:.4f}  exploring {numbers['rollout/exploration_rate']:.2f}  "
            f"{time.time() - started:.1f} s"
        )
        state = {"parameters": agent.get_parameters(), "memory": memory(agent), "best": best}
        counts = {name: getattr(agent, name) for name in COUNTS}
        save(checkpoint, {**state, "counts": counts, "history": history, "settings": settings})

    log.close()
    agent.policy.load_state_dict(best["policy"])
    returns = evaluate(agent, envs, EPISODES, args.seed)
    explained = explain(history)
    replace(args.out / "log.txt", f"{explained}\n".encode())
    say(f"\nwhat the log says:\n{explained}\n")
    result = {
        "recipe": "dqn",
        "return": float(np.mean(returns)),
        "worst": float(np.min(returns)),
        "best_epoch": best["epoch"],
        "steps": agent.num_timesteps,
        "history": history,
    }
    replace(args.out / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
    text = f"return {result['return']:.1f} over {EPISODES} episodes (worst {result['worst']:.0f})"
    print(json.dumps(result) if args.json else f"{text} with the policy of epoch {best['epoch']}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\ninterrupted: the last whole epoch is saved; the same command goes on from there")
        sys.exit(130)
