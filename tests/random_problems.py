"""Random networks, losses and data, for Hypothesis to search through."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

import oracle
from bridge import make_problem
from networks import HIDDEN_ACTIVATIONS, NORMS, PAIRINGS

SIZES = st.one_of(st.integers(1, 130), st.sampled_from([1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 64, 65, 127, 128, 129, 130]))


@st.composite
def problems(draw, dtypes=("float64", "float32"), sizes=SIZES, freezes=False, norms=True):
    """Networks of one to five layers, every activation, normalization and loss. With ``freezes`` some of them do not learn.

    Without ``norms`` nothing is normalized: over hundreds of steps a normalization may blow rounding up.
    """
    loss, last = draw(st.sampled_from(PAIRINGS))
    network = []
    for _ in range(draw(st.integers(0, 4))):
        layer = {"activation": draw(st.sampled_from(HIDDEN_ACTIVATIONS)), "use_bias": draw(st.booleans())}
        if layer["activation"] in ("leaky_relu", "elu") and draw(st.booleans()):
            layer["alpha"] = draw(st.sampled_from([0.01, 0.5, 1.5]))
        norm = draw(st.sampled_from([None, *NORMS])) if norms else None
        if norm is not None:
            layer |= {"norm": norm, "norm_first": draw(st.booleans())}
        network.append(layer)
    network.append({"activation": last, "use_bias": draw(st.booleans())})
    for layer in network:
        layer["trainable"] = not (freezes and draw(st.booleans()))
    widths = [draw(sizes) for _ in range(len(network) + 1)]
    for layer, units in zip(network, widths[1:], strict=True):
        if units == 1 and layer.get("norm", {}).get("kind") == "unit":  # a sign, the derivative of which is rounding alone
            del layer["norm"]
    if last == "softmax":
        widths[-1] = max(2, widths[-1])  # over one class it is 1, where 1 - 1e-7 is hard to tell in float32
    n, seed = draw(sizes), draw(st.integers(0, 2**32 - 1))
    problem = make_problem(network, widths, loss, n, seed, draw(st.sampled_from(dtypes)))
    assume(not has_tiny_rows(problem))
    return problem


def has_tiny_rows(problem):
    """Whether a row is about to be divided by a norm that is almost 0, which makes its rounding as large as itself."""
    if not any(layer.get("norm", {}).get("kind") == "unit" for layer in problem.network):
        return False
    _, tape = oracle.forward(problem.network, problem.weights, problem.x)
    for layer, (_, z, values) in zip(problem.network, tape, strict=True):
        if layer.get("norm", {}).get("kind") == "unit":
            norms = np.linalg.norm(z if layer.get("norm_first") else values[1], axis=1)
            if np.any((norms > 0) & (norms < 1e-2)):
                return True
    return False


def tolerance(problem, smooth, exact=1e-10):
    """What rounding may do: in float32 one number in thousands may land on the other side of a kink."""
    if problem.dtype == "float64":
        return exact
    return smooth if problem.is_smooth() else 2e-2
