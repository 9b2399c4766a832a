"""Ways through functions: closures, globals, defaults, partial, helpers, and code made at run time."""

import functools
import importlib
import operator
import sys
import types

from ways import way

GLOBAL = None


@way
def closure(k, use):
    def f(x):
        return use(k, x)

    def change(new):
        nonlocal k
        k = new

    return f, change


@way
def cell_contents(k, use):
    def f(x):
        return use(k, x)

    def change(new):
        f.__closure__[f.__code__.co_freevars.index("k")].cell_contents = new

    return f, change


@way
def global_name(k, use):
    def change(new):
        global GLOBAL
        GLOBAL = new

    change(k)
    return lambda x: use(GLOBAL, x), change


@way
def globals_dictionary(k, use):
    def change(new):
        globals()["GLOBAL"] = new

    change(k)
    return lambda x: use(globals()["GLOBAL"], x), change


@way
def namespace_of_exec(k, use):
    space = {"k": k, "use": use}
    exec("def f(x):\n    return use(k, x)", space)
    return space["f"], lambda new: space.update(k=new)


@way
def evaluated_text(k, use):
    space = {"k": k}
    return lambda x: use(eval("k", space), x), lambda new: space.update(k=new)


@way
def default(k, use):
    def f(x, k=k):
        return use(k, x)

    def change(new):
        f.__defaults__ = (new,)

    return f, change


@way
def keyword_default(k, use):
    def f(x, *, k=k):
        return use(k, x)

    return f, lambda new: f.__kwdefaults__.update(k=new)


@way
def keyword_defaults_replaced(k, use):
    def f(x, *, k=k):
        return use(k, x)

    def change(new):
        f.__kwdefaults__ = {"k": new}

    return f, change


@way
def code_replaced(k, use):
    """Two codes in turns, each of which reads a name of its own."""
    space, names = {"use": use, "a": k}, ["a", "b"]
    for name in reversed(names):
        exec(f"def f(x):\n    return use({name}, x)", space)
        space["code_" + name] = space["f"].__code__
    f = space["f"]

    def change(new):
        names.reverse()
        space[names[0]] = new
        f.__code__ = space["code_" + names[0]]

    return f, change


@way
def attribute_of_function(k, use):
    def f(x):
        return use(f.k, x)

    f.k = k
    return f, lambda new: setattr(f, "k", new)


@way
def partial_held_in_list(k, use):
    held = [functools.partial(use, k)]
    return lambda x: held[0](x), lambda new: held.__setitem__(0, functools.partial(use, new))


@way
def partial_positional(k, use):
    """The value is an argument of a partial, in a box that changes."""
    box = [k]
    return functools.partial(lambda held, x: use(held[0], x), box), lambda new: box.__setitem__(0, new)


@way
def partial_keywords(k, use):
    f = functools.partial(lambda x, k: use(k, x), k=k)
    return f, lambda new: f.keywords.update(k=new)


@way
def partial_state(k, use):
    f = functools.partial(use, k)
    return f, lambda new: f.__setstate__((use, (new,), {}, {}))


@way
def partial_of_partial(k, use):
    inner = functools.partial(lambda a, x, *, k: use(k, x) * a, k=k)
    space = {"inner": inner}
    f = functools.partial(lambda g, a, x: g["inner"](a, x), space, 1)
    return f, lambda new: inner.keywords.update(k=new)


@way
def helper_global(k, use):
    space = {"k": k, "use": use}
    exec("def helper(x):\n    return use(k, x)", space)
    helper = space["helper"]
    return lambda x: helper(x) * 1.0, lambda new: space.update(k=new)


@way
def helper_closure(k, use):
    helper, change = closure(k, use)
    return lambda x: helper(x), change


@way
def helper_of_helper(k, use):
    third, change = closure(k, use)

    def second(x):
        return third(x)

    def first(x):
        return (lambda y: second(y))(x)

    return first, change


@way
def helper_rebound(k, use):
    def helper(x, held=k):
        return use(held, x)

    def change(new):
        nonlocal helper

        def helper(x, held=new):
            return use(held, x)

    return lambda x: helper(x), change


@way
def lambda_rebound(k, use):
    helpers = {"h": lambda x: use(k, x)}
    return lambda x: helpers["h"](x), lambda new: helpers.update(h=lambda x, new=new: use(new, x))


@way
def lambdas_of_a_loop(k, use):
    rows = []

    def change(new):
        rows.clear()
        for i in range(3):
            rows.append(lambda x, i=i: use(new, x) if i == 1 else 0.0 * x)

    change(k)
    return lambda x: sum(row(x) for row in rows), change


@way
def decorated(k, use):
    def decorate(f):
        @functools.wraps(f)
        def wrapped(x):
            return use(wrapped.k, f(x))

        return wrapped

    @decorate
    def f(x):
        return x

    f.k = k
    return f, lambda new: setattr(f, "k", new)


@way
def wrapped_function(k, use):
    """``__wrapped__`` shows another function than the one that is called."""
    f, change = closure(k, use)

    @functools.wraps(lambda x: x)
    def shown(x):
        return f(x)

    return shown, change


@way
def cached_helper(k, use):
    held = k

    @functools.cache
    def read():
        return held

    def change(new):
        nonlocal held
        held = new
        read.cache_clear()

    return lambda x: use(read(), x), change


@way
def comprehension(k, use):
    def change(new):
        nonlocal k
        k = new

    return lambda x: sum([use(k, x) for _ in range(2)]) / 2, change


@way
def nested_lambda(k, use):
    def change(new):
        nonlocal k
        k = new

    return lambda x: (lambda: (lambda y: use(k, y))(x))(), change


@way
def map_and_reduce(k, use):
    held = [k]
    return lambda x: functools.reduce(operator.add, map(lambda k: use(k, x), held)), lambda new: held.__setitem__(0, new)


@way
def attrgetter(k, use):
    held, read = types.SimpleNamespace(a=types.SimpleNamespace(k=k)), operator.attrgetter("a.k")
    return lambda x: use(read(held), x), lambda new: setattr(held.a, "k", new)


@way
def itemgetter(k, use):
    held, read = {"k": k}, operator.itemgetter("k")
    return lambda x: use(read(held), x), lambda new: held.update(k=new)


@way
def module_attribute(k, use):
    module = types.ModuleType("settings")
    module.k = k
    return lambda x: use(module.k, x), lambda new: setattr(module, "k", new)


@way
def module_getattr(k, use):
    module, held = types.ModuleType("settings"), {"k": k}
    module.__getattr__ = lambda name: held[name]
    return lambda x: use(module.k, x), lambda new: held.update(k=new)


@way
def imported_inside(k, use):
    module = sys.modules["surroundings_settings"] = types.ModuleType("surroundings_settings")
    module.k = k

    def f(x):
        import surroundings_settings

        return use(surroundings_settings.k, x)

    def change(new):
        sys.modules["surroundings_settings"] = types.ModuleType("surroundings_settings")
        sys.modules["surroundings_settings"].k = new

    return f, change


@way
def name_imported_inside(k, use):
    module = sys.modules["surroundings_settings"] = types.ModuleType("surroundings_settings")
    module.k = k

    def f(x):
        from surroundings_settings import k

        return use(k, x)

    return f, lambda new: setattr(module, "k", new)


@way
def import_module(k, use):
    module = sys.modules["surroundings_settings"] = types.ModuleType("surroundings_settings")
    module.k = k
    return lambda x: use(importlib.import_module("surroundings_settings").k, x), lambda new: setattr(module, "k", new)
