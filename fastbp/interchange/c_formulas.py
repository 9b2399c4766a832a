"""Formulas as functions in C99. ``@`` stands for the letter that ends the names of functions of float."""

from __future__ import annotations

from typing import Any

import numpy as np

# The operators of fastbp's graph. What is longer than a line is a function of HELPERS.
EXPRESSIONS = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "neg": "-{0}",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "eq": "{0} == {1}",
    "ne": "{0} != {1}",
    "and": "{0} && {1}",
    "or": "{0} || {1}",
    "not": "!{0}",
    "where": "{0} ? {1} : {2}",
    "minimum": "{0} < {1} || {0} != {0} ? {0} : {1}",
    "maximum": "{0} > {1} || {0} != {0} ? {0} : {1}",
    "relu": "{0} <= 0 ? 0 : {0}",
    "one_minus_square": "(1 - {0}) * (1 + {0})",
    "abs": "fabs@({0})",
    **{name: f"{name}@({{0}})" for name in ("sqrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "erf")},
    **{name: f"{name}@({{0}})" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{f"arc{name}": f"a{name}@({{0}})" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: f"{name}@({{0}}, {{1}})" for name in ("pow", "hypot")},
    **{name: f"{name}@({{0}}, {{1}})" for name in ("fmin", "fmax")},
    **{name: f"{name}({{0}})" for name in ("sign", "sigmoid", "sigmoid_derivative", "softplus")},
    **{name: f"{name}({{0}}, {{1}})" for name in ("logaddexp", "cosine_of")},
}

HELPERS = {
    "sign": """
static real sign(real x)
{
    return x > 0 ? 1 : x < 0 ? -1 : x;
}
""",
    "sigmoid": """
static real sigmoid(real x)
{
    const real small = exp@(-fabs@(x));
    return (x < 0 ? small : 1) / (1 + small);
}
""",
    "sigmoid_derivative": """
static real sigmoid_derivative(real x)
{
    const real small = exp@(-fabs@(x));
    return small / ((1 + small) * (1 + small));
}
""",
    "softplus": """
static real softplus(real x)
{
    return (x > 0 ? x : x != x ? x : 0) + log1p@(exp@(-fabs@(x)));
}
""",
    "logaddexp": """
static real logaddexp(real x, real y)
{
    const real largest = x > y || x != x ? x : y;
    return x == y ? x + log@(2) : largest + log1p@(exp@(-fabs@(x - y)));
}
""",
    "cosine_of": """
static real cosine_of(real x, real y)
{
    const real size = hypot@(x, y);
    return size == 0 ? 0 : x / size;
}
""",
}


def literal(value: Any, suffix: str) -> str:
    """A number with as many digits as its type has."""
    number = np.float32(value) if suffix else np.float64(value)
    if np.isnan(number):
        return "NAN"
    if np.isinf(number):
        return "INFINITY" if number > 0 else "-INFINITY"
    text = repr(number.item()) if not suffix else np.format_float_scientific(number, unique=True, trim="0")
    return f"{text}{suffix}"


def write_formula(name: str, z: Any, value: Any, suffix: str) -> tuple[str, set[str]]:
    """The C function of a formula of one number, and the operators that it has."""
    from ..graph.tracing.traversal import live

    called, lines, used = {z.index: "z"}, list[str](), set[str]()
    for node in live([value]):
        if node is z:
            continue
        if node.op == "constant":
            called[node.index] = str(int(node.attr)) if isinstance(node.attr, bool) else _bracketed(literal(node.attr, suffix))
            continue
        used.add(node.op)
        called[node.index] = f"v{len(lines) + 1}"
        expression = EXPRESSIONS[node.op].format(*(called[a.index] for a in node.args))
        lines.append(f"    const {'int' if node.is_logical else 'real'} {called[node.index]} = {expression};\n")
    return f"\nstatic real {name}(real z)\n{{\n{''.join(lines)}    return {called[value.index]};\n}}\n", used


def _bracketed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text
