"""Reads a loss's autograd graph: which leaves it reaches, which activations lie on the way, where it went wrong.

The graph is the one record of a forward pass that does not depend on how the model was written: `nn.ReLU`, `F.relu`
and `x.clamp(min=0)` leave the same nodes in a subclass of `nn.Module` and in a bare function. Walking it costs a few
attribute reads per node, and it is only walked on sampled steps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch

NODE_LIMIT = 20_000
"""Nodes visited at most; a graph with more is read in part and says so."""

LEAF = "torch::autograd::AccumulateGrad"

VIEWS = frozenset(
    {
        "ViewBackward0", "ReshapeAliasBackward0", "UnsafeViewBackward0", "SqueezeBackward0", "SqueezeBackward1",
        "SqueezeBackward2", "UnsqueezeBackward0", "TransposeBackward0", "TransposeBackward1", "PermuteBackward0",
        "TBackward0", "AliasBackward0", "CloneBackward0", "ToCopyBackward0", "SliceBackward0", "SelectBackward0",
        "ExpandBackward0", "IndexBackward0", "MovedimBackward0", "CatBackward0", "UnbindBackward0", "SplitBackward0",
        "SplitWithSizesBackward0", "StackBackward0", "IndexSelectBackward0", "MaskedSelectBackward0", "FlipBackward0",
    }
)  # fmt: skip
"""Operations that rearrange values without changing them."""

RESHAPING = frozenset(
    {
        "ViewBackward0", "UnsafeViewBackward0", "ReshapeAliasBackward0", "UnsqueezeBackward0", "SqueezeBackward0",
        "SqueezeBackward1", "SqueezeBackward2",
    }
)  # fmt: skip
"""Those that keep the order of the values."""
ADDED_AXIS = frozenset({"UnsqueezeBackward0", "ViewBackward0", "ExpandBackward0", "UnsafeViewBackward0"})
"""Operations by which users add the axis along which values are to be repeated."""

SUMMING = frozenset({"MeanBackward0", "MeanBackward1", "SumBackward0", "SumBackward1"})
CROSSING = frozenset({"AddBackward0", "SubBackward0", "MulBackward0"})
ROUNDING = 1e-4
"""Of sums in single precision, as a share of the largest value."""
SQUARES = frozenset({"MseLossBackward0", "SmoothL1LossBackward0", "HuberLossBackward0"})
"""Losses whose two operands may have different shapes."""

SCALING = VIEWS | {"DivBackward0", "MulBackward0", "AddBackward0", "SubBackward0", "MeanBackward0", "SumBackward0"}
"""... and those which, with one differentiable operand, merely scale, shift or average."""

CLAMPS = frozenset({"ClampBackward0", "ClampBackward1", "ClampMaxBackward0", "ClampMinBackward0"})
"""Operations that leave a value as it is, or cut it off."""


OPERATIONS = {
    "SoftmaxBackward0": "softmax", "LogSoftmaxBackward0": "log_softmax", "SigmoidBackward0": "sigmoid",
    "LogSigmoidBackward0": "logsigmoid", "ReluBackward0": "relu", "TanhBackward0": "tanh",
    "ThresholdBackward0": "relu", "LeakyReluBackward0": "leaky_relu", "GeluBackward0": "gelu",
    "SiluBackward0": "silu", "EluBackward0": "elu", "HardtanhBackward0": "hardtanh", "SoftplusBackward0": "softplus",
    "AddmmBackward0": "linear", "MmBackward0": "linear", "BmmBackward0": "matmul",
    "ConvolutionBackward0": "convolution",
    "ExpBackward0": "exp", "LogBackward0": "log", "Log1PBackward0": "log1p", "Log2Backward0": "log2",
    "SqrtBackward0": "sqrt", "RsqrtBackward0": "rsqrt", "DivBackward0": "division", "PowBackward0": "power",
    "PowBackward1": "power", "ReciprocalBackward0": "reciprocal", "MulBackward0": "multiplication",
    "AddBackward0": "addition", "SubBackward0": "subtraction", "ClampBackward0": "clamp", "ClampBackward1": "clamp",
    "ClampMinBackward0": "clamp", "EmbeddingBackward0": "embedding", "NativeLayerNormBackward0": "layer_norm",
    "NativeBatchNormBackward0": "batch_norm", "CudnnBatchNormBackward0": "batch_norm",
    "StdBackward0": "std", "LinalgVectorNormBackward0": "norm", "NormBackward0": "norm", "NormBackward1": "norm",
    "AcosBackward0": "acos", "AsinBackward0": "asin", "TanBackward0": "tan", "LogsumexpBackward0": "logsumexp",
}  # fmt: skip
"""Autograd node -> the name a user would know it by."""

ACTIVATIONS = {
    "ReluBackward0": "_saved_result",
    "TanhBackward0": "_saved_result",
    "SigmoidBackward0": "_saved_result",
}
"""Activations whose output the graph keeps, and under which name."""

RECURRENT = frozenset({"RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"})
"""Their gates are meant to saturate."""

SINGULAR = {
    "LogBackward0": ("_saved_self", "not positive"),
    "Log2Backward0": ("_saved_self", "not positive"),
    "Log1PBackward0": ("_saved_self", "at most -1"),
    "DivBackward0": ("_saved_other", "zero"),
    "SqrtBackward0": ("_saved_result", "zero"),
    "ReciprocalBackward0": ("_saved_result", "infinite"),
    "RsqrtBackward0": ("_saved_result", "infinite"),
}
"""Operations with a singular point -> (saved tensor that shows it, what it is then)."""

STEEP = frozenset(
    {
        "SqrtBackward0", "LinalgVectorNormBackward0", "NormBackward0", "NormBackward1", "StdBackward0", "AcosBackward0",
        "AsinBackward0", "PowBackward0",
    }
)  # fmt: skip
"""Operations whose value is finite at 0 (or 1), where their slope is not."""

Owner = Callable[[torch.Tensor], "tuple[str, str] | None"]
"""Leaf tensor -> (dotted path of the owning module, its class name), None for a leaf that is no known parameter."""


class Activation(NamedTuple):
    kind: str
    output: torch.Tensor
    layer: str
    layer_kind: str
    before_loss: bool


class Walk(NamedTuple):
    """Nodes in breadth-first order from the loss; holding them keeps their identities unique."""

    nodes: list[Any]
    leaves: list[torch.Tensor]
    before_loss: set[int]
    """Positions of nodes with nothing that holds parameters between them and the loss."""
    complete: bool


def operation(node: Any) -> str:
    """The name of a node's operation as a user would write it."""
    name = node.name()
    return OPERATIONS.get(name) or name.removesuffix("0").removesuffix("1").removesuffix("Backward").lower()


def leaf_of(node: Any) -> torch.Tensor:
    """The weight that a node is, or merely transposes or casts."""
    while node.name() != LEAF:
        node = next(child for child, _ in node.next_functions if child is not None)
    leaf: torch.Tensor = node.variable
    return leaf


def producer(node: Any) -> Any:
    """The node that computed the values which `node` merely rearranges (`node` itself if it computes)."""
    for _ in range(32):
        if node is None or node.name() not in VIEWS:
            return node
        node = next((child for child, _ in node.next_functions if child is not None), None)
    return node


def output_shape(node: Any) -> tuple[int, ...] | None:
    """Shape of the first output of the operation behind `node`, None where torch does not keep it."""
    try:
        return tuple(int(size) for size in node._input_metadata[0].shape)
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):
        return None


def saved(node: Any, name: str) -> torch.Tensor | None:
    """A tensor that autograd keeps for the backward pass; None if it is gone, changed in place, or no plain tensor."""
    try:
        tensor = getattr(node, name)
    except (AttributeError, RuntimeError):
        return None
    return tensor.detach() if type(tensor) in (torch.Tensor, torch.nn.Parameter) else None


def walk(root: Any) -> Walk:
    """Visit the graph above `root` (a ``grad_fn``), at most `NODE_LIMIT` nodes."""
    nodes: list[Any] = [root]
    leaves: list[torch.Tensor] = []
    seen = {root: 0}
    before_loss = {0}
    queue = deque([0])
    complete = True
    while queue:
        position = queue.popleft()
        node = nodes[position]
        children = [child for child, _ in node.next_functions if child is not None]
        open_path = position in before_loss and not any(map(is_weight, children))
        for child in children:
            known = seen.get(child)
            if known is not None:
                if open_path and known not in before_loss and child.name() != LEAF:
                    # A shorter way without parameters was found later: residual connections around the last layer.
                    before_loss.add(known)
                continue
            if len(nodes) >= NODE_LIMIT:
                complete = False
                continue
            seen[child] = len(nodes)
            if child.name() == LEAF:
                leaves.append(child.variable)
            else:
                queue.append(len(nodes))
                if open_path:
                    before_loss.add(len(nodes))
            nodes.append(child)
    return Walk(nodes, leaves, before_loss, complete)


def is_weight(node: Any) -> bool:
    """`node` is a leaf, or merely transposes or casts one, as the weight of a linear layer is."""
    for _ in range(4):
        if node.name() == LEAF:
            return True
        if node.name() not in VIEWS:
            return False
        node = next((child for child, _ in node.next_functions if child is not None), None)
        if node is None:
            return False
    return False


def has_weight(node: Any) -> bool:
    """One of the operands is a parameter itself, as in a linear or convolutional layer."""
    return any(child is not None and is_weight(child) for child, _ in node.next_functions)


def feeding_layer(node: Any, owner: Owner, depth: int = 12) -> tuple[str, str]:
    """(path, class name) of the nearest module towards the input whose parameters the operation uses."""
    level = [node]
    visited: set[Any] = set()
    for _ in range(depth):
        following: list[Any] = []
        for current in level:
            for child, _ in current.next_functions:
                if child is None or child in visited:
                    continue
                visited.add(child)
                if is_weight(child):
                    leaf = child
                    while leaf.name() != LEAF:
                        leaf = next(grand for grand, _ in leaf.next_functions if grand is not None)
                    found = owner(leaf.variable)
                    if found is not None:
                        return found
                    continue
                following.append(child)
        level = following
        if not level:
            break
    return "", ""


def activations(walked: Walk, owner: Owner, limit: int = 64) -> list[Activation]:
    """Activations on the way, from the input to the loss; one per feeding layer and kind, gates left out."""
    found: dict[tuple[str, str], Activation] = {}
    gates: set[Any] | None = None
    for position in range(len(walked.nodes) - 1, -1, -1):
        node = walked.nodes[position]
        kept = ACTIVATIONS.get(node.name())
        if kept is None or len(found) >= limit:
            continue
        layer, layer_kind = feeding_layer(node, owner)
        kind = OPERATIONS[node.name()]
        if layer_kind in RECURRENT or (layer, kind) in found:
            continue
        if kind != "relu":
            gates = _gates(walked) if gates is None else gates
            if node in gates:
                continue
        output = saved(node, kept)
        if output is not None and output.numel():
            found[layer, kind] = Activation(kind, output, layer, layer_kind, position in walked.before_loss)
    return list(found.values())


def _gates(walked: Walk) -> set[Any]:
    """Operations whose values are multiplied by other computed values: gates, which are meant to open and shut."""
    found: set[Any] = set()
    for node in walked.nodes:
        if node.name() != "MulBackward0":
            continue
        factors = [producer(child) for child, _ in node.next_functions if child is not None]
        if len(factors) == 2 and not any(factor is None or factor.name() == LEAF for factor in factors):
            found.update(factors)
    return found


def squared_by_broadcasting(walked: Walk) -> tuple[tuple[int, ...], tuple[int, ...], str] | None:
    """A prediction of N values that met a constant of N values and became N x N: (its shape, the result's, operation).

    Both operands of a pairwise distance carry gradients; a target does not. So only operations with one
    differentiable operand count, of which the user did not add the axis on purpose, and whose N x N results are
    all averaged or summed (a distance between two sets looks for the nearest of each row first). N maps, of one
    channel and of none, become N x N maps in the same way.
    """
    above: dict[Any, Any] = {}
    for position in sorted(walked.before_loss):
        node = walked.nodes[position]
        children = [child for child, _ in node.next_functions]
        alive = [child for child in children if child is not None]
        for child in alive:
            above.setdefault(child, node)
        if len(alive) != 1 or len(children) < 2:
            continue
        result, operand = output_shape(node), output_shape(alive[0])
        if result is None or operand is None or len(result) < 2 or result[0] != result[1] or result[0] < 2:
            continue
        if len(operand) == len(result) and alive[0].name() in ADDED_AXIS:
            continue
        size, rest = result[0], result[2:]
        alike = operand in ((size, 1, *rest), (1, size, *rest)) or (operand == (size, *rest) and len(rest) != 1)
        if alike and _reduced(node, above, result):
            return operand, result, operation(node)
    return None


def crossed(walked: Walk) -> tuple[tuple[int, ...], tuple[int, ...], str] | None:
    """Two computed numbers for each example, (N, 1) and (N,), of which a prediction was made that is N x N.

    The two come from different operations, no axis was added for it, nothing else that is N x N joins them (as in a
    distance of all pairs), and what they become meets a constant before it is averaged or summed. By hand, the rest
    must show that this is no table of pairs itself; of a loss function the shapes are known.
    """
    above: dict[Any, Any] = {}
    for node in walked.nodes:
        alive = [child for child, _ in node.next_functions if child is not None]
        for child in alive:
            above.setdefault(child, node)
        if node.name() not in CROSSING or len(alive) != 2:
            continue
        shapes = [output_shape(child) for child in alive]
        column = next((shape for shape in shapes if shape is not None and len(shape) == 2 and shape[1] == 1), None)
        if column is None or column[0] < 2 or (column[0],) not in shapes:
            continue
        upright, flat = (alive[shapes.index(one)] for one in (column, (column[0],)))
        sources = producer(upright), producer(flat)
        if upright.name() in ADDED_AXIS or sources[0] is sources[1] or any(map(is_weight, sources)):
            continue
        result = (column[0], column[0])
        if _reduced(node, above, result) and _meets_constant(node, above, result):
            return column, result, operation(node)
    return None


def _reduced(node: Any, above: dict[Any, Any], shape: tuple[int, ...]) -> bool:
    """Every operation from `node` on to the loss keeps `shape`, until all values are summed or averaged."""
    while (node := above.get(node)) is not None:
        found = output_shape(node)
        if found is None or len(found) == 0:
            return found is not None
        if found != shape and node.name() not in SUMMING:
            return False
        if found != shape:
            # Sums over one axis are summed up further: nothing else may become of them.
            shape = found
            while (node := above.get(node)) is not None and output_shape(node) != ():
                if node.name() not in SUMMING:
                    return False
            return node is not None and node.name() in SUMMING
    return False


def _meets_constant(node: Any, above: dict[Any, Any], shape: tuple[int, ...]) -> bool:
    """On its way a target is taken from it, and nothing else of its shape that carries gradients joins it."""
    met, below = False, node
    while (node := above.get(below)) is not None and output_shape(node) == shape:
        children = [child for child, _ in node.next_functions]
        if any(child is not None and child is not below and output_shape(child) == shape for child in children):
            return False
        if node.name() == "SubBackward0" and len(children) == 2 and None in children:
            met |= _is_sum_of_two(saved(above.get(node), "_saved_self"))
        below = node
    return met or (node is not None and node.name() in SQUARES)


def _is_sum_of_two(table: torch.Tensor | None) -> bool:
    """A table, on the CPU, of one number for each row plus one for each column: what was taken from it is no table."""
    if table is None or not table.is_cpu or table.dim() != 2:
        return False
    rest = table - table.mean(0) - table.mean(1, keepdim=True) + table.mean()
    return bool(rest.abs().max() <= ROUNDING * table.abs().max())


def terms(root: Any, limit: int = 16, through: frozenset[str] = frozenset()) -> list[tuple[Any, float]]:
    """What a loss is the weighted sum of: (node, weight) pairs; one pair alone for a loss that is no sum.

    `through`: further operations of one operand that are looked through.
    """
    found: list[tuple[Any, float]] = []
    waiting: list[tuple[Any, float]] = [(root, 1.0)]
    while waiting:
        node, weight = waiting.pop()
        name, children = node.name(), [child for child, _ in node.next_functions]
        if output_shape(node) != () or len(found) + len(waiting) >= limit:
            found.append((node, weight))
        elif name in ("AddBackward0", "SubBackward0") and len(children) == 2:
            second = float(node._saved_alpha) * (-weight if name == "SubBackward0" else weight)
            waiting += [
                (child, one) for child, one in zip(children, (weight, second), strict=True) if child is not None
            ]
        elif name == "NegBackward0":
            waiting.append((children[0], -weight))
        elif name in through and children[0] is not None:
            waiting.append((children[0], weight))
        elif name in ("MulBackward0", "DivBackward0") and (factor := _constant_factor(node)) is not None:
            child = next(child for child in children if child is not None)
            waiting.append((child, weight * factor if name == "MulBackward0" else weight / factor))
        else:
            found.append((node, weight))
    return found


def _constant_factor(node: Any) -> float | None:
    """The number on the CPU that a single value is multiplied with, or divided by."""
    alive = [place for place, (child, _) in enumerate(node.next_functions) if child is not None]
    if len(alive) != 1 or (node.name() == "DivBackward0" and alive != [0]):
        return None
    other = node._saved_other if alive == [0] else node._saved_self
    if other is None or other.numel() != 1 or other.device.type != "cpu" or not float(other):
        return None
    return float(other)


def computed_in(walked: Walk) -> str:
    """The half-precision type that float32 weights are cast to on the way, as `autocast` does; empty if none."""
    for node in walked.nodes:
        if node.name() != "ToCopyBackward0":
            continue
        child = node.next_functions[0][0] if node.next_functions else None
        if child is None or child.name() != LEAF or child.variable.dtype != torch.float32:
            continue
        dtype = getattr(node._input_metadata[0], "dtype", None)
        if dtype in (torch.float16, torch.bfloat16):
            return str(dtype).removeprefix("torch.")
    return ""


def find_origin(walked: Walk, owner: Owner) -> tuple[str, str, str, str]:
    """Where non-finite values began: (`parameter`, `target`, `input`, `operation` or empty, detail, operation, module).

    Goes from the input to the loss and stops at the first operation that shows the damage: kept operands or results
    that are not finite, or an operand at the operation's singular point.
    """
    for leaf in walked.leaves:
        if _bad(leaf.detach()):
            module, _ = owner(leaf) or ("", "")
            return "parameter", module, "", module
    for position in sorted(walked.before_loss):
        node = walked.nodes[position]
        target = saved(node, "_saved_target")
        if target is not None and _bad(target):
            return "target", "target", operation(node), ""
    for position in range(len(walked.nodes) - 1, -1, -1):
        node = walked.nodes[position]
        name = node.name()
        if name == LEAF:
            continue
        singular = SINGULAR.get(name)
        if singular is not None:
            tensor = saved(node, singular[0])
            if tensor is not None and _is_singular(tensor, singular[1]):
                layer, _ = feeding_layer(node, owner)
                return "operation", singular[1], operation(node), layer
        bad = [key for key, tensor in _kept(node) if _bad(tensor)]
        if bad:
            layer, _ = feeding_layer(node, owner)
            fed = any(child is not None and not is_weight(child) for child, _ in node.next_functions)
            if not fed and "_saved_result" not in bad:
                return "input", layer, operation(node), layer
            return "operation", "not finite", operation(node), layer
    return "", "", "", ""


def steep(walked: Walk, owner: Owner) -> tuple[str, str]:
    """(operation, module) nearest to the loss that has a point of infinite slope, with nothing added to keep off it."""
    for node in walked.nodes:
        if node.name() not in STEEP:
            continue
        child = next((child for child, _ in node.next_functions if child is not None), None)
        if child is None or child.name() in ("AddBackward0", "ClampBackward0", "ClampMinBackward0"):
            continue
        if node.name() == "PowBackward0" and not 0 < float(node._saved_exponent) < 1:
            continue
        return operation(node), feeding_layer(node, owner)[0]
    return "", ""


def _kept(node: Any) -> Iterator[tuple[str, torch.Tensor]]:
    for name in dir(node):
        if name.startswith("_saved_") and "_sym_" not in name:
            tensor = saved(node, name)
            if tensor is not None and tensor.is_floating_point() and name not in ("_saved_weight", "_saved_mat2"):
                yield name, tensor


def _bad(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() and tensor.numel() > 0 and not bool(torch.isfinite(tensor).all())


def _is_singular(tensor: torch.Tensor, what: str) -> bool:
    if what == "not positive":
        return bool((tensor <= 0).any())
    if what == "at most -1":
        return bool((tensor <= -1).any())
    if what == "infinite":
        return bool(torch.isinf(tensor).any())
    return bool((tensor == 0).any())
