"""What optimizers do beside their rules, in the oracle's words, and networks to do it on."""

from bridge import make_problem

STEERINGS = [
    {"clipvalue": 0.02},
    {"clipnorm": 0.05},
    {"global_clipnorm": 0.1},
    {"global_clipnorm": 1e6},
    {"gradient_accumulation_steps": 3},
    {"use_ema": True, "ema_momentum": 0.8},
    {"use_ema": True, "ema_momentum": 0.6, "ema_overwrite_frequency": 4},
    {"clipvalue": 0.02, "gradient_accumulation_steps": 2, "weight_decay": 0.1},
    {"clipnorm": 0.05, "use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 1},
    {"gradient_accumulation_steps": 2, "use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 2},
    {
        "global_clipnorm": 0.1,
        "gradient_accumulation_steps": 4,
        "use_ema": True,
        "ema_momentum": 0.7,
        "ema_overwrite_frequency": 3,
        "weight_decay": 0.2,
    },
]
RULES = [
    {"name": "sgd"},
    {"name": "sgd", "momentum": 0.9, "nesterov": True},
    {"name": "rmsprop", "centered": True, "momentum": 0.5},
    {"name": "adagrad"},
    {"name": "adam"},
    {"name": "adam", "amsgrad": True},
    {"name": "adamw"},
    {"name": "nadam"},
    {"name": "adamax"},
    {"name": "adadelta", "learning_rate": 1.0},
    {"name": "lion"},
]


def network(widths=(5, 37, 70, 3), dtype="float64", n=26, frozen=()):
    """Layers that fill no vector, several, and several panels of them; one has no bias; some may not learn."""
    layers = [
        {"activation": "tanh" if i < len(widths) - 2 else "linear", "use_bias": i != 1, "trainable": i not in frozen}
        for i in range(len(widths) - 1)
    ]
    return make_problem(layers, list(widths), {"name": "mean_squared_error"}, n, dtype=dtype)
