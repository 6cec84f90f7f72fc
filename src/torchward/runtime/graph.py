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

ADDED_AXIS = frozenset({"UnsqueezeBackward0", "ViewBackward0", "ExpandBackward0", "UnsafeViewBackward0"})
"""Operations by which users add the axis along which values are to be repeated."""

SCALING = VIEWS | {"DivBackward0", "MulBackward0", "AddBackward0", "SubBackward0", "MeanBackward0", "SumBackward0"}
"""... and those which, with one differentiable operand, merely scale, shift or average."""

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
    "LinalgVectorNormBackward0": "norm", "NormBackward0": "norm", "NormBackward1": "norm",
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
        open_path = position in before_loss and not any(map(_is_weight, children))
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


def _is_weight(node: Any) -> bool:
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
                if _is_weight(child):
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
    all averaged or summed at once (a distance between two sets looks for the nearest of each row first).
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
        if result is None or operand is None or len(result) != 2 or result[0] != result[1] or result[0] < 2:
            continue
        if len(operand) == 2 and alive[0].name() in ADDED_AXIS:
            continue
        if operand in ((result[0],), (result[0], 1), (1, result[0])) and _reduced_at_once(node, above, result):
            return operand, result, operation(node)
    return None


def _reduced_at_once(node: Any, above: dict[Any, Any], shape: tuple[int, ...]) -> bool:
    """Every operation from `node` on to the loss keeps `shape`, until one makes a single number of it."""
    while (node := above.get(node)) is not None:
        found = output_shape(node)
        if found is None or len(found) == 0:
            return found is not None
        if found != shape:
            return False
    return False


def find_origin(walked: Walk, owner: Owner) -> tuple[str, str, str, str]:
    """Where non-finite values began: (`parameter`, `input`, `operation` or empty, detail, operation, module).

    Goes from the input to the loss and stops at the first operation that shows the damage: kept operands or results
    that are not finite, or an operand at the operation's singular point.
    """
    for leaf in walked.leaves:
        if _bad(leaf.detach()):
            module, _ = owner(leaf) or ("", "")
            return "parameter", module, "", module
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
            fed = any(child is not None and not _is_weight(child) for child, _ in node.next_functions)
            if not fed and "_saved_result" not in bad:
                return "input", layer, operation(node), layer
            return "operation", "not finite", operation(node), layer
    return "", "", "", ""


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
