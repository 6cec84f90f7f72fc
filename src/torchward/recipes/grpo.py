"""Teach a language model sums by reward alone: group-relative policy optimisation (GRPO) with trl.

what-zh:   只用奖励教语言模型做加法：用 trl 进行组相对策略优化（GRPO）
data:      sums of two numbers below 50, as text: a short supervised stage on some, reward alone on others, and the rest
           held out
data-zh:   50 以内两数之和的文本算式：一部分用于简短的监督训练，一部分只给奖励，其余留作测试
time:      70 s
expect:    accuracy 0.55 to 1, reward 0.5 to 1
needs:     torch transformers tokenizers datasets trl
optional:  tensorboard
"""

import argparse
import contextlib
import io
import json
import os
import random
import shutil
import sys
import time
import warnings
from pathlib import Path

# Nothing is asked of the Hub, nor told to it.
os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")

try:
    import torch
    from datasets import Dataset
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from torch import nn
    from transformers import (
        LlamaConfig,
        LlamaForCausalLM,
        PreTrainedTokenizerFast,
        PrinterCallback,
        TrainerCallback,
        logging,
    )
    from trl import GRPOConfig, GRPOTrainer
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing.name} is not installed: pip install torch transformers tokenizers datasets trl")

RANK, WORLD = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))  # set by torchrun
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]
LONGEST = 4  # tokens of an answer: one more digit than any needs, and the end
EVERY = 10  # steps between two points of the curve, each with a checkpoint


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warm-up", type=int, default=200, help="supervised steps before (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=200, help="of GRPO, in tens (default: %(default)s)")
    parser.add_argument("--generations", type=int, default=8, help="answers to each sum (default: %(default)s)")
    parser.add_argument("--temperature", type=float, default=1.0, help="of these answers (default: %(default)s)")
    parser.add_argument("--kl", type=float, default=0.01, help="weight of the distance from the supervised model; "
                        "0: none is kept in memory (default: %(default)s)")  # fmt: skip
    parser.add_argument("--lr", type=float, default=6e-4, help="of GRPO (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=512, help="answers per device (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", help="cpu, cuda, mps (default: the best there is)")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, help="default: where a GPU has it")
    parser.add_argument("--out", type=Path, default=Path("runs/grpo"), help="folder (default: %(default)s)")
    parser.add_argument("--fresh", action="store_true", help="do not go on from the checkpoint in --out")
    parser.add_argument("--json", action="store_true", help="print the final metrics as JSON")
    args = parser.parse_args()
    if args.steps < EVERY or args.steps % EVERY or args.warm_up < 1 or not args.lr > 0:
        parser.error(f"--steps must be a multiple of {EVERY}, --warm-up and --lr above 0")
    if args.generations < 2 or args.batch_size < 1 or args.batch_size % args.generations:
        parser.error("--generations must be 2 or more, and --batch-size a multiple of it")
    if not args.temperature > 0 or not args.kl >= 0:
        parser.error("--temperature must be above 0, --kl 0 or more")
    return args


def fail(message):
    """Say what is wrong, and end with exit status 1."""
    sys.exit(f"error: {message}")


def say(*words):
    if RANK == 0:
        print(*words, file=sys.stderr, flush=True)


# --- data ---


def sums():
    """Sums to show with their answers, sums to practise on, and sums held out. The same for every seed."""
    every = [(f"{a}+{b}=", str(a + b)) for a in range(50) for b in range(50)]
    random.Random(0).shuffle(every)
    return every[:750], every[750:2000], every[2000:]


def make_tokenizer():
    """One token a character."""
    vocabulary = {sign: number for number, sign in enumerate([*SPECIAL, *"0123456789+="])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.decoder = decoders.Fuse()
    names = dict(zip(("pad_token", "bos_token", "eos_token", "unk_token"), SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, padding_side="left", **names)


# --- the supervised stage ---


def make_model(tokenizer):
    # Rotary positions, as Llama has them, are relative: sums of different lengths can be padded on the left.
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=32,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return LlamaForCausalLM(config)


def warm_up(model, tokenizer, shown, steps, device, seed):
    """Show the model some sums with their answers, not for long: it shall be right now and then."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    draw = random.Random(seed)
    for step in range(1, steps + 1):
        batch = draw.sample(shown, 64)
        tokens = tokenizer([sign + answer + tokenizer.eos_token for sign, answer in batch], padding=True)
        ids, mask = (torch.tensor(tokens[name], device=device) for name in ("input_ids", "attention_mask"))
        # What is asked is given; the answer alone is to be learned.
        equals = (ids == tokenizer.convert_tokens_to_ids("=")).int()
        labels = ids.masked_fill(equals.cumsum(dim=1) - equals == 0, -100)
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        bar("supervised", step, steps)


@torch.no_grad()
def answers(model, tokenizer, asked):
    """The answer that the model thinks likeliest, for each sum."""
    training = model.training
    model.eval()
    tokens = tokenizer([question for question, _ in asked], padding=True, return_tensors="pt").to(model.device)
    length = tokens["input_ids"].shape[1]
    ids = model.generate(tokens["input_ids"], attention_mask=tokens["attention_mask"],
                         max_new_tokens=LONGEST, do_sample=False)  # fmt: skip
    model.train(training)
    return tokenizer.batch_decode(ids[:, length:], skip_special_tokens=True)


def share_right(model, tokenizer, asked):
    given = answers(model, tokenizer, asked)
    return sum(mine == answer for mine, (_, answer) in zip(given, asked, strict=True)) / len(asked)


# --- reinforcement ---


def right(completions, answer, **_):
    """The reward, for each answer: 1 where it is right to the last digit, otherwise 0."""
    return [float(completion == wanted) for completion, wanted in zip(completions, answer, strict=True)]


class Curve(TrainerCallback):
    """Seeds every step by its number, and hands what trl measured to whoever keeps the history."""

    def __init__(self, seed, done, keep):
        self.seed, self.done, self.keep = seed, done, keep

    def on_step_begin(self, args, state, control, **_):
        # The answers that are drawn in a step follow from seed, step and rank: a run that was interrupted goes on as
        # if it had not been.
        torch.manual_seed((self.seed * 100_000 + self.done + state.global_step) * WORLD + RANK)

    def on_log(self, args, state, control, logs=None, **_):
        if "reward" in logs:  # not the summary at the end
            self.keep(self.done + state.global_step, logs)


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


def save_model(folder, model, tokenizer):
    """A folder that `from_pretrained` reads."""
    part = folder.with_name(folder.name + ".part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        model.save_pretrained(part)
        tokenizer.save_pretrained(part)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(part, folder)
    except Exception as error:  # safetensors has errors of its own for a disk that is full
        fail(f"cannot write {folder}: {error}")


def curves(folder, step):
    """TensorBoard's writer, or None where the package is missing. Points from `step` on are written anew."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError:
        say("no TensorBoard curves: pip install tensorboard")
        return None
    return SummaryWriter(folder, purge_step=step)


# --- the program ---


def bar(title, number, of):
    if RANK == 0 and sys.stderr.isatty():
        print(f"\r{title} [{'#' * (24 * number // of):<24}]\r", end="", file=sys.stderr, flush=True)


def choose_device(name):
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        if device.type == "cuda" and WORLD > 1:
            device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
            torch.cuda.set_device(device)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        fail(f"--device {name}: {str(error).splitlines()[0]}")
    return device


def main():
    args = options()
    device = choose_device(args.device)
    bf16 = args.bf16 if args.bf16 is not None else device.type == "cuda" and torch.cuda.is_bf16_supported()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")  # of names that trl uses
    config = GRPOConfig(
        output_dir=str(args.out),
        max_steps=args.steps,
        per_device_train_batch_size=args.batch_size,
        num_generations=args.generations,
        max_completion_length=LONGEST,
        temperature=args.temperature,
        beta=args.kl,
        seed=args.seed,
        shuffle_dataset=False,  # it is drawn below
        use_cpu=device.type == "cpu",
        bf16=bf16,
        activation_checkpointing=False,
        ddp_find_unused_parameters=False,
        logging_steps=EVERY,
        save_strategy="no",  # the checkpoint is written below, in one go
        report_to="none",
        disable_tqdm=True,
    )
    if WORLD == 1 and config.n_gpu > 1:
        config._n_gpu = 1  # other GPUs are used through torchrun only

    tokenizer = make_tokenizer()
    shown, practice, held_out = sums()
    torch.manual_seed(args.seed)
    model = make_model(tokenizer).to(device)

    # What shapes the curve: a checkpoint made with other values is not gone on from.
    names = ("warm_up", "generations", "temperature", "kl", "lr", "batch_size", "seed")
    settings = {name: getattr(args, name) for name in names} | {"world": WORLD}
    checkpoint = args.out / "checkpoint.pt"
    state = None if args.fresh else resume(checkpoint, settings, device)
    if state:
        model.load_state_dict(state["supervised"])
        history, before = state["history"], state["before"]
        say(f"going on after step {EVERY * len(history)}, from {checkpoint} (--fresh starts over)")
    else:
        warm_up(model, tokenizer, shown, args.warm_up, device, args.seed)
        history, before = [], share_right(model, tokenizer, held_out)
        say(f"after {args.warm_up} supervised steps  accuracy {before:.4f}")
    done = EVERY * len(history)
    # trl reads the model to which the distance is measured from a folder.
    supervised = args.out / "supervised"
    if RANK == 0:
        save_model(supervised, model, tokenizer)
    if WORLD > 1:
        torch.distributed.barrier()
    first = {name: value.clone() for name, value in model.state_dict().items()}
    model = LlamaForCausalLM.from_pretrained(supervised).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 20))
    if state:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
    writer = curves(args.out / "tensorboard", done + 1) if RANK == 0 else None
    started = time.time()

    def keep(step, logs):
        """One more point of the curve, and a checkpoint."""
        nonlocal started
        bar("reinforced", step, args.steps)
        point = {"step": step, "reward": logs["reward"], "entropy": logs["entropy"], "kl": logs.get("kl", 0.0),
                 "accuracy": share_right(model, tokenizer, held_out)}  # fmt: skip
        history.append(point)
        text = "  ".join(f"{name} {value:.4f}" for name, value in point.items() if name != "step")
        say(f"step {step:4}/{args.steps}  {text}  {time.time() - started:.1f} s")
        started = time.time()
        if RANK == 0:
            parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
            parts = {name: part.state_dict() for name, part in parts.items()}
            save(checkpoint, {**parts, "supervised": first, "before": before, "history": history, "settings": settings})
        if writer:
            for name, value in point.items():
                writer.add_scalar(name, value, step)

    if done < args.steps:
        # The order of the sums follows from the seed; what is done is left out.
        draw, order = random.Random(args.seed), []
        each = args.batch_size * WORLD // args.generations  # sums in a step
        while len(order) < args.steps * each:
            order += draw.sample(practice, len(practice))
        rest = order[done * each : args.steps * each]
        config.max_steps = args.steps - done
        trainer = GRPOTrainer(
            model,
            right,
            args=config,
            train_dataset=Dataset.from_list([{"prompt": question, "answer": answer} for question, answer in rest]),
            processing_class=tokenizer,
            optimizers=(optimizer, schedule),
            callbacks=[Curve(args.seed, done, keep)],
        )
        trainer.remove_callback(PrinterCallback)  # standard output is for the result
        trainer.train()
    if writer:
        writer.close()
    if RANK == 0:
        save_model(args.out / "model", model, tokenizer)
        for (question, answer), mine in zip(held_out[:5], answers(model, tokenizer, held_out[:5]), strict=True):
            say(f"{question}{mine}{'' if mine == answer else f'  (right: {answer})'}")
        earlier = {"accuracy_before": before, "reward_before": history[0]["reward"]}
        result = {"recipe": "grpo", **history[-1], **earlier, "history": history}
        replace(args.out / "metrics.json", (json.dumps(result, indent=2) + "\n").encode())
        text = f"accuracy {result['accuracy']:.4f} on {len(held_out)} sums that were held out; {before:.4f} before GRPO"
        print(json.dumps(result) if args.json else text)
    if WORLD > 1:
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        say("\ninterrupted: the last ten whole steps are saved; the same command goes on from there")
        sys.exit(130)
