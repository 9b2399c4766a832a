"""Python's ``if``, ``while``, ``max`` and the like in a formula: decided by the values of one call, and checked at the others.

While a formula is traced for a call its arguments are known. Where it asks whether a condition holds, the condition is worked
out from them, and becomes part of the ``guard``: what was traced is the formula for all values with which the guard holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np

from .errors import trace_error
from .node import Node
from .traversal import evaluate_node, live, substitute
from .values import node_value

MAX_DECISIONS = 1000  # of one formula: each pass of a loop is a part of the compiled code

_ENDLESS = "A loop may not end; else write it so that it takes fewer passes, or with a fixed number of them and fastbp.where."


class Branches:
    """What a formula has asked about its values.

    Parameters
    ----------
    values : mapping
        The arguments' values by their nodes' indices.
    whole : set of int
        Those that are integers, which Python may count with.
    """

    def __init__(self, values: Mapping[int, np.ndarray], whole: set[int], dtype: Any) -> None:
        self._known: dict[int, Any] = dict(values)
        self._whole, self._dtype = whole, dtype
        self._held: dict[int, Node] = {}
        self._decisions = 0

    def decide(self, condition: Node) -> bool:
        """Whether a condition holds; a number does where it is not 0."""
        self._count()
        tape = condition.tape
        if not condition.is_logical:
            condition = tape.make("ne", condition, tape.constant(0.0))
        if condition.op == "constant":
            return bool(condition.attr)
        holds = bool(self.value(condition))
        self._hold(condition if holds else tape.make("not", condition))
        return holds

    def integer(self, node: Node) -> int:
        """A number without its fraction, as ``int`` gives it."""
        self._count()
        tape, node = node.tape, node.tape.number(node)
        found = int(self.value(node))
        low, high = tape.constant(float(found)), tape.constant(float(found))
        if found >= 0:
            self._hold(tape.make("lt", node, tape.make("add", high, tape.constant(1.0))))
        if found <= 0:
            self._hold(tape.make("lt", tape.make("sub", low, tape.constant(1.0)), node))
        if found:
            self._hold(tape.make("le", low, node) if found > 0 else tape.make("le", node, high))
        return found

    def is_whole(self, node: Node) -> bool:
        """Whether it is an integer argument, a condition, rounded, or a sum, difference or product of such."""
        if node.is_logical:
            return True
        if node.op == "constant":
            return float(node.attr).is_integer()
        if node.op in ("floor", "ceil", "trunc", "rint", "floor_divide"):
            return True
        if node.op in ("add", "sub", "mul", "mod", "fmod", "neg", "abs", "variable", "element"):
            return all(self.is_whole(a) for a in node.args)
        return node.index in self._whole

    def value(self, node: Node) -> Any:
        """A node's value in this call."""

        def leaf(now: Node) -> Any:
            if now.op == "input":
                raise trace_error(
                    "A formula cannot branch on a value that differs from example to example.",
                    "Instead of if, and, or, min(), max() use fastbp.where(condition, a, b), & and |, fastbp.minimum.",
                )
            return None if now.args else node_value(now, (), self._dtype)

        def operator(now: Node) -> Any:
            values = [self._known[a.index] for a in now.args]
            return values[0] if now.op == "variable" else node_value(now, values, self._dtype)

        with np.errstate(all="ignore"):
            return evaluate_node(node, self._known, leaf, operator)

    def guard(self) -> Node | None:
        """What must hold for the traced formula to be the right one: a condition, or None if nothing was asked."""
        conditions = list(self._held.values())
        while leaves := [node for node in live(conditions) if node.op == "variable"]:
            conditions = substitute(conditions, {leaf: leaf.args[0] for leaf in leaves})
        if not conditions:
            return None
        return reduce(lambda x, y: x.tape.make("and", x, y), conditions)

    def _hold(self, condition: Node) -> None:
        if condition.op != "constant":
            self._held[condition.index] = condition

    def _count(self) -> None:
        self._decisions += 1
        if self._decisions > MAX_DECISIONS:
            raise trace_error(f"A formula asks for more than {MAX_DECISIONS} decisions on its values.", _ENDLESS)
