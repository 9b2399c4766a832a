"""Ways through objects: attributes, records, references, and state of the interpreter."""

import contextlib
import contextvars
import ctypes
import os
import queue
import threading
import types
import weakref
from dataclasses import dataclass
from typing import Any, NamedTuple

from ways import way

CURRENT = contextvars.ContextVar("CURRENT")


class Held:
    def __init__(self, k, use=None):
        self.k, self.use = k, use

    def method(self, x):
        return self.use(self.k, x)

    def __call__(self, x):
        return self.use(self.k, x)


@way
def captured_object(k, use):
    held = Held(k)
    return lambda x: use(held.k, x), lambda new: setattr(held, "k", new)


@way
def dictionary_of_object(k, use):
    held = Held(k)
    return lambda x: use(vars(held)["k"], x), lambda new: setattr(held, "__dict__", {"k": new})


@way
def object_rebound(k, use):
    held = Held(k)

    def change(new):
        nonlocal held
        held = Held(new)

    return lambda x: use(held.k, x), change


@way
def deep_object(k, use):
    held = Held(Held(Held(Held(Held(Held(k))))))
    return lambda x: use(held.k.k.k.k.k.k, x), lambda new: setattr(held.k.k.k.k.k, "k", new)


@way
def cyclic_object(k, use):
    held = Held(k)
    held.me = held
    return lambda x: use(held.me.me.k, x), lambda new: setattr(held, "k", new)


@way
def bound_method(k, use):
    held = Held(k, use)
    return held.method, lambda new: setattr(held, "k", new)


@way
def callable_object(k, use):
    held = Held(k, use)
    return held, lambda new: setattr(held, "k", new)


@way
def getattr_by_name(k, use):
    held, name = Held(k), "k"
    return lambda x: use(getattr(held, name), x), lambda new: setattr(held, "k", new)


@way
def name_of_attribute(k, use):
    """Both attributes stay; which is read changes."""
    held, name = types.SimpleNamespace(a=k), "a"

    def change(new):
        nonlocal name
        name = "b" if name == "a" else "a"
        setattr(held, name, new)

    return lambda x: use(getattr(held, name), x), change


@dataclass
class Record:
    k: Any


@dataclass(frozen=True, slots=True)
class FrozenRecord:
    k: Any


class Row(NamedTuple):
    k: Any


@way
def data_class(k, use):
    held = Record(k)
    return lambda x: use(held.k, x), lambda new: setattr(held, "k", new)


@way
def frozen_data_class(k, use):
    held = FrozenRecord(k)
    return lambda x: use(held.k, x), lambda new: object.__setattr__(held, "k", new)


@way
def named_tuple(k, use):
    held = Row(k)

    def change(new):
        nonlocal held
        held = held._replace(k=new)

    return lambda x: use(held.k, x), change


@way
def simple_namespace(k, use):
    held = types.SimpleNamespace(a=types.SimpleNamespace(k=k))
    return lambda x: use(held.a.k, x), lambda new: setattr(held.a, "k", new)


@way
def weak_reference(k, use):
    held = Held(k)
    reference = weakref.ref(held)
    return lambda x: use(reference().k, x), lambda new: setattr(held, "k", new)


@way
def context_variable(k, use):
    CURRENT.set(k)
    return lambda x: use(CURRENT.get(), x), CURRENT.set


@way
def context_manager(k, use):
    stack = [k]

    @contextlib.contextmanager
    def setting(value):
        stack.append(value)
        yield
        stack.pop()

    last = contextlib.ExitStack()

    def change(new):
        last.close()
        last.enter_context(setting(new))

    return lambda x: use(stack[-1], x), change


@way
def thread_local(k, use):
    local = threading.local()
    local.k = k
    return lambda x: use(local.k, x), lambda new: setattr(local, "k", new)


@way
def queue_head(k, use):
    held = queue.Queue()
    held.put(k)
    return lambda x: use(held.queue[0], x), lambda new: (held.put(new), held.get())


@way(holds="float")
def environment(k, use):
    def change(new):
        os.environ["SURROUNDINGS_K"] = repr(new)

    change(k)
    return lambda x: use(float(os.environ["SURROUNDINGS_K"]), x), change


@way(holds="float")
def ctypes_value(k, use):
    held = ctypes.c_double(k)
    return lambda x: use(held.value, x), lambda new: setattr(held, "value", new)


@way(holds="float")
def conversion_method(k, use):
    class Number:
        def __float__(self):
            return box[0]

    box, number = [k], Number()
    return lambda x: use(float(number), x), lambda new: box.__setitem__(0, new)


@way(holds="float")
def operator_methods(k, use):
    """An object that is no number but multiplies what it is given."""

    class Factor:
        def __mul__(self, other):
            return box[0] * other

        __rmul__ = __mul__

    box, factor = [k], Factor()
    return lambda x: use(factor * 1.0, x), lambda new: box.__setitem__(0, new)
