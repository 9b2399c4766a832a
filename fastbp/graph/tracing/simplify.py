"""Equal nodes that cost less."""

from __future__ import annotations

from .node import Node, NodeTape

MAX_UNROLLED_POWER = 16  # whole powers up to this one are products


def is_constant(node: Node, value: float) -> bool:
    return node.op == "constant" and node.attr == value


def simplify(tape: NodeTape, op: str, args: tuple[Node, ...]) -> Node | None:
    """An equal node that costs less, or None.

    Infinities and NaN stay what they are, except in sinh / cosh, which as tanh does not overflow; -0.0 + 0 may become -0.0.
    """
    x = args[0]
    y = args[1] if len(args) > 1 else x
    if op == "add":
        if is_constant(x, 0) or is_constant(y, 0):
            return y if is_constant(x, 0) else x
        return tape.make("sub", x, y.args[0]) if y.op == "neg" else _sum_of_choices(tape, x, y)
    if op == "sub":
        return x if is_constant(y, 0) else tape.make("add", x, y.args[0]) if y.op == "neg" else None
    if op == "mul":
        for one, other in ((x, y), (y, x)):
            if is_constant(one, 1):
                return other
            if is_constant(one, -1):
                return tape.make("neg", other)
            # (a / cosh u) sinh u: the derivative of log cosh u.
            if one.op == "div" and one.args[1].op == "cosh" and other.op == "sinh" and one.args[1].args == other.args:
                return tape.make("mul", one.args[0], tape.make("tanh", *other.args))
    if op == "div" and is_constant(y, 1):
        return x
    if op == "div" and x.op == "sinh" and y.op == "cosh" and x.args == y.args:
        return tape.make("tanh", *x.args)
    if op == "neg" and x.op == "neg":
        return x.args[0]
    if op == "not" and x.op == "not":
        return x.args[0]
    if op == "pow":
        return _power(tape, x, y)
    if op == "where":
        if x.op == "constant":
            taken = args[1] if x.attr else args[2]
            return taken if taken.shape == tape.common_shape(op, args) else None
        if args[1] is args[2] and args[1].shape == tape.common_shape(op, args):
            return args[1]
        return _choice_of_choice(tape, *args)
    return None


def _sum_of_choices(tape: NodeTape, x: Node, y: Node) -> Node | None:
    """Two choices by one condition between something and 0, as one: so the chain rule sees the condition of a sum too."""
    if x.op == y.op == "where" and x.args[0] is y.args[0]:
        condition, first, second = x.args
        if is_constant(second, 0) and is_constant(y.args[2], 0):
            return tape.make("where", condition, tape.make("add", first, y.args[1]), second)
        if is_constant(first, 0) and is_constant(y.args[1], 0):
            return tape.make("where", condition, first, tape.make("add", second, y.args[2]))
    return None


def _choice_of_choice(tape: NodeTape, condition: Node, x: Node, y: Node) -> Node | None:
    """A choice between 0 and a choice between 0 and something: one choice, so that a chain of them does not grow."""
    if is_constant(y, 0) and x.op == "where" and is_constant(x.args[2], 0):
        return tape.make("where", tape.make("and", condition, x.args[0]), x.args[1], y)
    if is_constant(x, 0) and y.op == "where" and is_constant(y.args[1], 0):
        return tape.make("where", tape.make("or", condition, y.args[0]), x, y.args[2])
    return None


def _power(tape: NodeTape, x: Node, y: Node) -> Node | None:
    """Small whole powers as products, and the square root."""
    if y.op != "constant":
        return None
    if y.attr == 0.5:
        return tape.make("sqrt", x)
    n = abs(y.attr)
    if n != int(n if n <= MAX_UNROLLED_POWER else 0) or n > MAX_UNROLLED_POWER:
        return None
    if y.attr < 0:
        return tape.make("div", tape.constant(1.0), tape.make("pow", x, tape.constant(n)))
    if n == 0:  # a vector of ones stays: its sum is the number of rows
        return None if x.shape else tape.constant(1.0)
    if n == 1:
        return x
    half = tape.make("pow", x, tape.constant(n // 2))
    square = tape.make("mul", half, half)
    return tape.make("mul", square, x) if n % 2 else square
