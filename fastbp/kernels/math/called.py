"""Long code as a function of its own: once in a module, however often a formula uses it, and in float64 for both types."""

from functools import wraps

from llvmlite import ir

from ..simd.llvm_function import define
from ..simd.vocabulary import Simd


def called(function):
    """A function of vectors that is called rather than written out where it is used.

    It has no effects, so LLVM makes one call of several with the same arguments. float32 is widened: what is lost in the steps
    on the way is then lost beyond its last digit.
    """

    @wraps(function)
    def call(s, *x):
        wide, made_of = s.doubles(), []

        def body(b, *values):
            inner = Simd(b, "float64", s.lanes)
            result = function(inner, *map(inner.wrap, values))
            if not isinstance(result, tuple):
                return result.value
            pair = ir.Constant(returns, ir.Undefined)
            for i, part in enumerate(result):
                pair = b.insert_value(pair, part.value, i)
            return pair

        count = getattr(function, "results", 1)
        returns = wide.vector if count == 1 else ir.LiteralStructType([wide.vector] * count)
        name = f"{function.__name__}_{wide.suffix}"
        made = define(s.b.module, name, [wide.vector] * len(x), body, returns)
        made.attributes.add("readnone")
        made_of = s.b.call(made, [s.widen(v).value for v in x])
        if count == 1:
            return s.narrow(wide.wrap(made_of))
        return tuple(s.narrow(wide.wrap(s.b.extract_value(made_of, i))) for i in range(count))

    return call


def results(count):
    """Say how many vectors a function returns."""

    def mark(function):
        function.results = count
        return function

    return mark
