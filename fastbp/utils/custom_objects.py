"""A user's own classes and functions by name, for objects that are read back from what was written down."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar

from ..activations import Activation
from ..serialization import custom_objects, is_config, serialize

Named = TypeVar("Named", bound=Callable[..., Any])
_MODULES = (
    *("layers", "models", "losses", "metrics", "optimizers", "optimizers.schedules"),
    *("initializers", "activations", "regularizers", "constraints"),
)


def get_custom_objects() -> dict[str, Any]:
    """Your own classes and functions by name; what is put there can be named and read back everywhere.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.utils.get_custom_objects()["third"] = lambda shape, dtype: 1 / 3
    >>> fastbp.initializers.get("third")((1,))
    0.3333333333333333
    >>> del fastbp.utils.get_custom_objects()["third"]
    """
    return custom_objects


@contextmanager
def custom_object_scope(objects: Mapping[str, Any]) -> Iterator[None]:
    """Within a ``with`` block, your own classes and functions by name.

    Parameters
    ----------
    objects : dict

    Examples
    --------
    >>> import fastbp
    >>> with fastbp.utils.custom_object_scope({"mine": lambda y_true, y_pred: abs(y_true - y_pred)}):
    ...     loss = fastbp.losses.get("mine")
    """
    before = dict(custom_objects)
    custom_objects.update(objects)
    try:
        yield
    finally:
        custom_objects.clear()
        custom_objects.update(before)


CustomObjectScope = custom_object_scope


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[Named], Named]:
    """A decorator that gives a class or function a name in ``get_custom_objects``.

    Parameters
    ----------
    package : str
        Accepted as Keras accepts it; names have no package here.
    name : str, optional
        Its own if left out.

    Examples
    --------
    >>> import fastbp
    >>> @fastbp.utils.register_keras_serializable()
    ... class Cubic(fastbp.losses.Loss):
    ...     def call(self, y_true, y_pred):
    ...         return abs(y_true - y_pred) ** 3
    >>> fastbp.losses.get("Cubic").name
    'Cubic'
    """

    def register(target: Named) -> Named:
        custom_objects[name or target.__name__] = target
        return target

    return register


def serialize_keras_object(obj: Any) -> Any:
    """Any object as a dict of its class and settings, and of the module that Keras has it in.

    Examples
    --------
    >>> import fastbp
    >>> fastbp.utils.serialize_keras_object(fastbp.initializers.Constant(0.5))
    {'module': 'keras.initializers', 'class_name': 'Constant', 'config': {'value': 0.5}}
    """
    written, place = serialize(obj), type(obj).__module__.split(".")
    if not is_config(written) or place[0] != "fastbp":
        return written
    return {"module": ".".join(["keras", *place[1 : 3 if "schedules" in place else 2]]), **written}


def deserialize_keras_object(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The object that ``serialize_keras_object`` wrote down.

    Parameters
    ----------
    config : dict
        With a "module" where several modules have a class of that name.
    custom_objects : dict, optional

    Examples
    --------
    >>> import fastbp
    >>> fastbp.utils.deserialize_keras_object({"class_name": "Constant", "config": {"value": 0.5}})
    Constant(value=0.5)
    """
    if not is_config(config):
        raise TypeError(f"config must be a dict with a class_name and a config, got {config!r}")
    name, settings = config["class_name"], config.get("config") or {}
    said = str(config.get("module")).removeprefix("keras.")  # layers and initializers have an Identity each
    modules = sorted(_MODULES, key=lambda module: module != said)
    for known in ({**get_custom_objects(), **(custom_objects or {})}, *map(_names_of, modules)):
        found = known.get(name)
        if isinstance(found, type):
            return known[name].from_config(settings)
        if isinstance(found, Activation):
            return found(**settings)
    raise ValueError(f"config has the class_name {name!r}, which fastbp does not have: pass it in custom_objects")


def _names_of(module: str) -> dict[str, Any]:
    return vars(import_module(f"{__package__.rpartition('.')[0]}.{module}"))
