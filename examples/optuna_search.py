"""The parameters of a network by Optuna, which learns from trial to trial; the folds of a trial are trained side by side.

    pip install optuna
    python examples/optuna_search.py [--trials 30]

``fastbp.search`` draws at random and trains many trials at once, but briefly. Optuna's sampler draws where earlier trials did
well, one after another. Which of the two is better depends on how long a trial takes and on how many parameters there are.

Exits with 1 if the best network reads less than 93 % of the digits of the held-out folds.
"""

import argparse
import sys

from sklearn.datasets import load_digits

import fastbp as bp

try:
    import optuna
except ImportError:
    sys.exit("this example needs Optuna: pip install optuna")


def network(units, layers, learning_rate, dropout):
    hidden = [layer for _ in range(layers) for layer in (bp.Dense(units, "relu"), bp.layers.Dropout(dropout))]
    model = bp.Sequential([*hidden, bp.Dense(10, "softmax")], seed=0)
    model.compile(bp.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main():
    options = parse_options()
    x, y = load_digits(return_X_y=True)
    x = x.astype("float32") / 16

    def accuracy(trial):
        model = network(
            trial.suggest_int("units", 8, 128, log=True),
            trial.suggest_int("layers", 1, 3),
            trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
            trial.suggest_float("dropout", 0.0, 0.5),
        )
        found = bp.cross_validate(model, x, y, cv=4, epochs=10, batch_size=64, verbose=0)
        return found.scores["accuracy"].mean()

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(accuracy, n_trials=options.trials)
    print(f"accuracy {study.best_value:.1%} by {study.best_params}")
    if study.best_value < 0.93:
        sys.exit(f"the best network should read at least 93 % of the digits, got {study.best_value:.1%}")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=30)
    options = parser.parse_args()
    if options.trials < 1:
        parser.error("--trials must be at least 1")
    return options


if __name__ == "__main__":
    main()
