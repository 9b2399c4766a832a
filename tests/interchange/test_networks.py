"""What the tests of exports and imports go through is all that there is."""

import fastbp
from interchange_networks import all_layers


def test_every_kind_of_layer():
    kinds = {name for name in fastbp.layers.__all__ if isinstance(getattr(fastbp.layers, name), type)} - {"Layer", "InputLayer"}
    within = [fastbp.Sequential(layers) for layers in all_layers().values()]
    assert {type(leaf).__name__ for model in within for leaf in model.leaves()} >= kinds - {"Input"}
