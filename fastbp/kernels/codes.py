"""The integer codes of activations, losses, update rules and metrics, by which descriptions and kernels know them.

What both sides need to know of a code stands here too. Nothing is imported, so that a description costs no compiler.
"""

from typing import NamedTuple

# -- Activations. CUSTOM_ACTIVATION is a formula, a user's or one of fastbp.activations, compiled by graph/codegen: its alpha is
# an address.
LINEAR, RELU, LEAKY_RELU, ELU, SELU, TANH, SIGMOID, SOFTPLUS, SILU, GELU, GELU_TANH, SOFTMAX, CUSTOM_ACTIVATION = range(13)
LOG_SOFTMAX, SPARSEMAX, GLU = 13, 14, 15
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
WHOLE_ROW_ACTIVATIONS = {SOFTMAX, LOG_SOFTMAX, SPARSEMAX}  # each output depends on all units of its row; GLU's on two

# -- Losses, the cross-entropies of probabilities and of logits. CUSTOM_LOSS is a user's formula: its parameter is an address.
MSE, MAE, HUBER, LOG_COSH, POISSON = range(5)
BINARY_CROSSENTROPY, CATEGORICAL_CROSSENTROPY, SPARSE_CROSSENTROPY = 5, 6, 7
BINARY_CROSSENTROPY_LOGITS, CATEGORICAL_CROSSENTROPY_LOGITS, SPARSE_CROSSENTROPY_LOGITS = 8, 9, 10
CUSTOM_LOSS = 11
PROJECTION = 30  # of the output on the target, summed over the samples: not to learn by, but for derivatives of the outputs

# -- What is counted for metrics: nothing, the errors, or with them correct entries of one kind (SPARSE_ACCURACY: those alone).
NO_STATISTICS, ERRORS, BINARY_ACCURACY, CATEGORICAL_ACCURACY, SPARSE_ACCURACY, BINARY_ACCURACY_LOGITS = range(6)

# -- What a weight is brought to after a step: anything, no negative numbers, norms within bounds.
UNCONSTRAINED, NON_NEGATIVE, NORM = range(3)

# -- Update rules. STORE keeps the gradient in slot 0 and leaves the parameters alone.
STORE, SGD, MOMENTUM, NESTEROV = range(4)
RMSPROP, RMSPROP_MOMENTUM, RMSPROP_CENTERED, RMSPROP_CENTERED_MOMENTUM = 4, 5, 6, 7
ADAGRAD, ADAM, ADAM_AMSGRAD, NADAM = 8, 9, 10, 11


class UpdateRule(NamedTuple):
    """What an update rule keeps from step to step: state arrays, and the powers of its betas."""

    slots: int
    needs_running_products: bool = False


UPDATE_RULES = {
    SGD: UpdateRule(0),
    MOMENTUM: UpdateRule(1),
    NESTEROV: UpdateRule(1),
    RMSPROP: UpdateRule(1),
    RMSPROP_MOMENTUM: UpdateRule(2),
    RMSPROP_CENTERED: UpdateRule(2),
    RMSPROP_CENTERED_MOMENTUM: UpdateRule(3),
    ADAGRAD: UpdateRule(1),
    ADAM: UpdateRule(2, needs_running_products=True),
    ADAM_AMSGRAD: UpdateRule(3, needs_running_products=True),
    NADAM: UpdateRule(2, needs_running_products=True),
}
