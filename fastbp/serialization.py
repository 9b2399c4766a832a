"""Objects as settings and back, in Keras's form: ``{"class_name": "Adam", "config": {"learning_rate": 0.001, ...}}``.

A class that derives from ``Configured`` needs no more than that each argument of its constructor is an attribute of the same
name. A module's ``Registry`` knows its classes by name, and is what the module's ``get``, ``serialize`` and ``deserialize`` do.
Constructors pass what they are given to such a ``get``, so that objects within objects need no rule of their own.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

import numpy as np

from .arguments import function_name, unknown

Kind = TypeVar("Kind")

#: What writes down some objects in another way while a file is written: it gives None for the others.
Writer = Callable[[Any], Any]
_writer: ContextVar[Writer | None] = ContextVar("writer", default=None)

#: Classes and functions that are found by name although they are not fastbp's; see ``fastbp.utils.get_custom_objects``.
custom_objects: dict[str, Any] = {}


class Configured:
    """What can be written down as the arguments of its constructor."""

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal object, as values that JSON can hold.

        Examples
        --------
        >>> import fastbp
        >>> fastbp.losses.Huber(0.5).get_config()
        {'delta': 0.5, 'reduction': 'sum_over_batch_size', 'name': 'huber'}
        """
        names = constructor_arguments(type(self))
        lost = [name for name in names if not hasattr(self, name)]
        if lost and type(self).get_config is Configured.get_config:  # one that extends this method adds them itself
            raise NotImplementedError(
                f"{type(self).__name__} must define get_config(), since its argument {lost[0]!r} is not kept as an attribute"
            )
        return {name: serialize(getattr(self, name)) for name in names if name not in lost}

    @classmethod
    def from_config(cls: type[Kind], config: Mapping[str, Any]) -> Kind:
        """The object that ``get_config`` describes.

        Examples
        --------
        >>> import fastbp
        >>> fastbp.losses.Huber.from_config({"delta": 0.5}).delta
        0.5
        """
        return cls(**config)

    def serialized(self) -> Any:
        """Class and settings; what is known by a name alone gives that instead."""
        return {"class_name": type(self).__name__, "config": self.get_config()}


def constructor_arguments(cls: type, by_name_alone: bool = True) -> tuple[str, ...]:
    """The names of a constructor's arguments, with those of the class above where it passes **kwargs on.

    ``by_name_alone``: with those that cannot be given by their position, too.
    """
    known = cls, by_name_alone  # each layer that is made asks for it
    if known not in _arguments:
        _arguments[known] = tuple(dict.fromkeys(_read_arguments(cls, by_name_alone)))
    return _arguments[known]


_arguments: dict[tuple[type, bool], tuple[str, ...]] = {}


def _read_arguments(cls: type, by_name_alone: bool) -> list[str]:
    names: list[str] = []
    for owner in cls.__mro__[:-1]:
        if "__init__" in vars(owner):
            parameters = list(inspect.signature(vars(owner)["__init__"]).parameters.values())[1:]
            names += [
                p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD or (by_name_alone and p.kind is p.KEYWORD_ONLY)
            ]
            if not any(p.kind is p.VAR_KEYWORD for p in parameters):
                break
    return names


def serialize(value: Any) -> Any:
    """A setting as JSON can hold it: numbers, texts, lists, and objects by class and settings. A function gives its name.

    Examples
    --------
    >>> import fastbp
    >>> serialize(fastbp.initializers.Constant(0.5))
    {'class_name': 'Constant', 'config': {'value': 0.5}}
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    writer = _writer.get()
    if writer is not None and (written := writer(value)) is not None:
        return written
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [serialize(item) for item in value]
    if isinstance(value, Mapping):
        return {name: serialize(item) for name, item in value.items()}
    if hasattr(value, "serialized") and not isinstance(value, type):
        return value.serialized()
    if hasattr(value, "get_config"):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    name = function_name(value)
    if not callable(value) or name == "<lambda>":
        raise TypeError(f"{value!r} cannot be written down: it needs a name, or a method get_config()")
    return name


@contextmanager
def writing(writer: Writer) -> Iterator[None]:
    """Have ``serialize`` ask ``writer`` first."""
    token = _writer.set(writer)
    try:
        yield
    finally:
        _writer.reset(token)


def is_config(value: Any) -> bool:
    """Whether a value is an object written down."""
    return isinstance(value, Mapping) and "class_name" in value


def class_and_settings(config: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
    """What an object that was written down is made of: a class, or a function, by name, and its arguments."""
    name, settings = config["class_name"], config.get("config") or {}
    return (settings, {}) if name == "function" else (name, settings)  # how Keras writes a function down


def spelled(name: str) -> str:
    """A name without what does not matter in it: MeanSquaredError and mean_squared_error are one."""
    return name.lower().replace("_", "")


class Registry(Generic[Kind]):
    """The classes of one module, by name.

    Parameters
    ----------
    argument : str
        What an error calls the value that it found wrong, as "loss".
    base : type
        What all of them derive from.
    classes : dict
        The classes by name. Case and underscores do not matter, so MeanSquaredError is mean_squared_error too.
    convert : callable, optional
        Makes an object of other things that may be given, as functions; None for what it does not take.
    allowed : str, optional
        What may be given, for errors.
    absent : dict, optional
        Names that Keras has, with the sentence that says what to use instead.
    """

    def __init__(
        self,
        argument: str,
        base: type[Kind],
        classes: Mapping[str, type[Kind]],
        convert: Callable[[Any], Kind | None] | None = None,
        allowed: str | None = None,
        absent: Mapping[str, str] | None = None,
    ) -> None:
        self.argument, self.base, self.classes, self._convert = argument, base, dict(classes), convert
        self._allowed = allowed or f"a name or an object of fastbp.{base.__module__.split('.')[1]}"
        self._spelled = {spelled(name): cls for name, cls in self.classes.items()}
        self._absent = {spelled(name): sentence for name, sentence in (absent or {}).items()}

    def get(self, identifier: Any, argument: str | None = None) -> Kind:
        """The object that a name, a class, a dict by ``serialize``, an object or what else is taken stands for."""
        if isinstance(identifier, str):
            return self._make(self._find(identifier, {}, argument), {}, argument)
        if is_config(identifier):
            return self.deserialize(identifier, None, argument)
        converted = self._convert(identifier) if self._convert else None
        if converted is not None:
            return converted
        if isinstance(identifier, self.base):
            return identifier
        if isinstance(identifier, type) and issubclass(identifier, self.base):
            return identifier()
        raise TypeError(f"{argument or self.argument} must be {self._allowed}, got {identifier!r}")

    serialize = staticmethod(serialize)

    def deserialize(self, config: Any, objects: Mapping[str, Any] | None = None, argument: str | None = None) -> Kind:
        """The object that ``serialize`` wrote down; ``objects`` are the user's own classes and functions by name."""
        settings: Mapping[str, Any] = {}
        if is_config(config):
            config, settings = class_and_settings(config)
        if not isinstance(config, str):
            return self.get(config, argument)
        return self._make(self._find(config, objects or {}, argument), settings, argument)

    def _find(self, name: str, objects: Mapping[str, Any], argument: str | None) -> Any:
        """What a name stands for, the user's own first."""
        for known in (objects, custom_objects):
            if name in known:
                return known[name]
        if spelled(name) in self._absent:
            raise ValueError(f"{argument or self.argument} {name!r} is not there: {self._absent[spelled(name)]}")
        if spelled(name) not in self._spelled:
            raise unknown(argument or self.argument, name, self.classes)
        return self._spelled[spelled(name)]

    def _make(self, found: Any, settings: Mapping[str, Any], argument: str | None) -> Kind:
        """The object of a class and its settings, or of what else a name may stand for."""
        if not isinstance(found, type):
            return self.get(found, argument)
        made = found.from_config(settings) if hasattr(found, "from_config") else found(**settings)
        return made if isinstance(made, self.base) else self.get(made, argument)
