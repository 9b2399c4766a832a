"""From tensors without numbers to the layers between two of them."""

from typing import Any

from ..layers.symbolic import LATER, SymbolicTensor, refuse_several


def one_tensor(argument: str, value: Any) -> SymbolicTensor:
    """The tensor that is given, alone, in a list or in a dict."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        if len(value) != 1:
            refuse_several(argument, value)
        value = value[0]
    if not isinstance(value, SymbolicTensor):
        raise TypeError(f"{argument} must be an Input or what a layer gives when it is called on one, got {value!r}")
    return value


def chain_between(inputs: SymbolicTensor, outputs: SymbolicTensor) -> list[SymbolicTensor]:
    """The tensors from one to another that follows from it."""
    chain = outputs.chain()
    if inputs not in chain:
        raise ValueError(f"outputs must follow from inputs by calling layers, got {outputs!r} and {inputs!r}")
    chain = chain[chain.index(inputs) :]
    layers = [tensor.layer for tensor in chain[1:]]
    for layer in layers:
        if layers.count(layer) > 1:
            raise ValueError(f"layers must be called once within a model, got {layer!r} twice: {LATER}")
    return chain
