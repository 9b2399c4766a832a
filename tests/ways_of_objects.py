"""Ways through objects: attributes of every make, methods, classes that change, and state of the interpreter."""

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


@way
def class_attribute(k, use):
    class Settings:
        held = k

    return lambda x: use(Settings.held, x), lambda new: setattr(Settings, "held", new)


@way
def class_attribute_of_instance(k, use):
    class Settings:
        held = k

    instance = Settings()
    return lambda x: use(instance.held, x), lambda new: setattr(Settings, "held", new)


@way
def inherited_attribute(k, use):
    class Base:
        held = k

    class Middle(Base):
        pass

    class Last(Middle):
        def method(self, x):
            return use(super().held, x)

    return Last().method, lambda new: setattr(Base, "held", new)


@way
def attribute_hidden_by_instance(k, use):
    """At first the class has it, later the instance too."""

    class Settings:
        held = k

    instance = Settings()
    return lambda x: use(instance.held, x), lambda new: setattr(instance, "held", new)


@way
def attribute_of_metaclass(k, use):
    class Meta(type):
        held = k

    class Settings(metaclass=Meta):
        pass

    return lambda x: use(Settings.held, x), lambda new: setattr(Meta, "held", new)


@way
def other_base_class(k, use):
    class Root:
        pass

    class Settings(type("Base", (Root,), {"held": k})):
        pass

    instance = Settings()
    return lambda x: use(instance.held, x), lambda new: setattr(Settings, "__bases__", (type("Base", (Root,), {"held": new}),))


@way
def class_of_instance(k, use):
    class Settings:
        held = k

    instance = Settings()
    return lambda x: use(instance.held, x), lambda new: setattr(instance, "__class__", type("Other", (), {"held": new}))


@way
def method_replaced(k, use):
    class Settings:
        def read(self):
            return k

    instance = Settings()
    return lambda x: use(instance.read(), x), lambda new: setattr(Settings, "read", lambda self: new)


@way
def class_method(k, use):
    class Settings:
        held = k

        @classmethod
        def read(cls):
            return cls.held

    return lambda x: use(Settings.read(), x), lambda new: setattr(Settings, "held", new)


@way
def static_method(k, use):
    class Settings:
        read = staticmethod(lambda: k)

    return lambda x: use(Settings.read(), x), lambda new: setattr(Settings, "read", staticmethod(lambda: new))


@way
def property_of_object(k, use):
    class Settings:
        @property
        def held(self):
            return self._held

    instance = Settings()
    instance._held = k
    return lambda x: use(instance.held, x), lambda new: setattr(instance, "_held", new)


@way
def property_without_trace(k, use):
    """What the property reads is nowhere in the object."""

    class Settings:
        held = property(lambda self: k)

    def change(new):
        nonlocal k
        k = new

    instance = Settings()
    return lambda x: use(instance.held, x), change


@way
def descriptor(k, use):
    class Reads:
        def __get__(self, instance, owner):
            return box[0]

    class Settings:
        held = Reads()

    box, instance = [k], Settings()
    return lambda x: use(instance.held, x), lambda new: box.__setitem__(0, new)


@way
def getattr_method(k, use):
    class Settings:
        def __getattr__(self, name):
            return box[0]

    box, instance = [k], Settings()
    return lambda x: use(instance.anything, x), lambda new: box.__setitem__(0, new)


@way
def getattribute_method(k, use):
    class Settings:
        held = 0.0

        def __getattribute__(self, name):
            return box[0]

    box, instance = [k], Settings()
    return lambda x: use(instance.held, x), lambda new: box.__setitem__(0, new)


@way
def slots(k, use):
    class Settings:
        __slots__ = ("held",)

    instance = Settings()
    instance.held = k
    return lambda x: use(instance.held, x), lambda new: setattr(instance, "held", new)


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
