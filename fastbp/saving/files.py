"""Files of models and of weights: what is in them by name, and the sentences for those that are something else."""

import json
from typing import Any

from ..errors import ModelFileError
from .container import Contents, read_file, write_file
from .description import Description

FORMAT = "1"
MODEL, WEIGHTS_ALONE, TRAINING, ENSEMBLE = "model", "weights", "training", "ensemble"  # what a file may be of
_REMEDIES = {
    MODEL: "fastbp.load_model reads it",
    WEIGHTS_ALONE: "make the model and call model.load_weights",
    TRAINING: "fit with the same BackupAndRestore goes on from it",
    ENSEMBLE: "fastbp.Ensemble.load reads it",
}


def write_description(path: str, content: str, description: Description, version: str) -> None:
    """Put a file of a content in the place of ``path``."""
    settings = json.dumps(description.settings, separators=(",", ":"))
    metadata = {"fastbp": version, "format": FORMAT, "content": content, "settings": settings}
    write_file(path, description.arrays, metadata)


def read_description(path: str, *contents: str) -> Description:
    """What a file of one of these contents says."""
    found = read_file(path)
    metadata = found.metadata
    if "fastbp" not in metadata:
        raise ModelFileError(path, "is a safetensors file, but fastbp has not written it")
    if metadata.get("format") != FORMAT:
        raise ModelFileError(
            path,
            f"has the format {metadata.get('format')!r}, of fastbp {metadata['fastbp']}; this fastbp reads format {FORMAT!r}",
        )
    content = metadata.get("content", "")
    if content not in contents:
        remedy = _REMEDIES.get(content, f"this fastbp reads files of {', '.join(contents)}")
        raise ModelFileError(path, f"is a file of {content!r}, not of {' or '.join(map(repr, contents))}: {remedy}")
    return Description(_settings(path, found, "members" if content == ENSEMBLE else "weights"), found.arrays)


def _settings(path: str, contents: Contents, needed: str) -> dict[str, Any]:
    """The settings, which must have a list of a name."""
    try:
        settings = json.loads(contents.metadata["settings"])
    except (KeyError, ValueError, RecursionError) as error:
        raise ModelFileError(path, f"has settings that cannot be read: {error}") from None
    if not isinstance(settings, dict) or not isinstance(settings.get(needed), list):
        raise ModelFileError(path, f"has settings that are not those of {'an ensemble' if needed == 'members' else 'a model'}")
    return settings
