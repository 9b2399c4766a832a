"""Models out of files."""

from collections.abc import Mapping
from typing import Any

from ..arguments import boolean
from ..errors import ModelFileError
from ..models.model import Model, Sequential, model_classes
from ..serialization import custom_objects as known_objects
from ..utils.custom_objects import custom_object_scope
from .description import Description, restore
from .files import MODEL, read_description
from .functions import resolved
from .kinds import is_of_keras, keras_files
from .paths import readable_path


def load_model(filepath: Any, custom_objects: Mapping[str, Any] | None = None, compile: bool = True, **settings: Any) -> Any:
    """The model that ``model.save`` put into a file. It goes on with the very bits that the saved one would have.

    Nothing in the file is executed or imported: classes and functions of your own come from ``custom_objects``, or from
    ``fastbp.utils.get_custom_objects``. Losses, activations, metrics and schedules that are formulas come back without that,
    as what they compute.

    Parameters
    ----------
    filepath : str or path
        Of any suffix. A file that Keras wrote is read too, where h5py is installed.
    custom_objects : dict, optional
        Your own classes and functions by name.
    compile : bool
        Whether the model is to be compiled as it was, with the optimizer's state.
    **settings
        ``safe_mode`` is accepted as Keras accepts it, without effect.

    Raises
    ------
    FileNotFoundError, ModelFileError
        If there is no file, or it cannot be read as a model.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(2)])
    >>> file = Path(tempfile.mkdtemp()) / "model.keras"
    >>> model.save(file)
    >>> bool((fastbp.load_model(file).predict([[1, 2, 3]]) == model.predict([[1, 2, 3]])).all())
    True
    """
    wrong = settings.keys() - {"safe_mode"}
    if wrong:
        raise TypeError(f"load_model has no argument {wrong.pop()!r}: it takes filepath, custom_objects, compile")
    path, objects = readable_path("filepath", filepath), dict(custom_objects or {})
    compile = boolean("compile", compile)
    if is_of_keras(path):
        return keras_files(path).read_model(path, objects, compile)
    description = read_description(path, MODEL)
    try:
        with custom_object_scope(objects):
            return model_of(path, description, objects, compile)
    except ModelFileError:
        raise
    except Exception as error:
        raise ModelFileError(path, f"holds settings that no model can be made of: {error}") from error


def model_of(path: str, description: Description, objects: dict[str, Any], compile: bool = True) -> Model:
    """The model that a file describes."""
    compiled = {} if compile else {"compiled": None}  # whose functions are not needed then
    settings = resolved({**description.settings, **compiled}, objects)
    description = Description(settings, description.arrays)
    base: type[Model] = {"sequential": Sequential, "functional": Model}[settings["kind"]]
    name = settings["class_name"]
    classes = {**model_classes(), **known_objects}
    if name not in classes:
        raise ModelFileError(path, f"is of a model of the class {name!r}: pass custom_objects={{{name!r}: {name}}}")
    cls: Any = classes[name]
    if not isinstance(cls, type) or not issubclass(cls, base):
        raise ModelFileError(path, f"is of a model of the class {name!r}, which must derive from {base.__name__}, got {cls!r}")
    model: Model = cls.from_config(_without_building(settings["config"]), objects)
    if not model.built:
        raise ValueError("the layers do not say what the input is")
    restore(model, description, compile)
    return model


def _without_building(config: Any) -> Any:
    """Settings of models that draw no weights where they are read: those of the file are looked at first."""
    if isinstance(config, list):
        return [_without_building(item) for item in config]
    if not isinstance(config, dict):
        return config
    return {name: _without_building(item) for name, item in config.items() if name != "build_input_shape"}


def save_model(model: Model, filepath: Any, overwrite: bool = True, **settings: Any) -> None:
    """Put a model into a file: ``model.save``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import fastbp
    >>> model = fastbp.Sequential([fastbp.Input((3,)), fastbp.Dense(2)])
    >>> fastbp.models.save_model(model, Path(tempfile.mkdtemp()) / "model.keras")
    """
    if not isinstance(model, Model):
        raise TypeError(f"model must be a Model, got {model!r}")
    model.save(filepath, overwrite, **settings)
