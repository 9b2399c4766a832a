"""scikit-learn's estimators: fits, predictions, a search; beside scikit-learn's in ``asv_bench/sklearn_ratios.py``."""

import warnings

from sklearn.datasets import load_digits, load_wine, make_regression
from sklearn.model_selection import GridSearchCV

from .common import SMOKE
from .finder import Names

EPOCHS = 2 if SMOKE else 20
DATA = {
    "digits": lambda: load_digits(return_X_y=True),
    "wine": lambda: load_wine(return_X_y=True),
    "regression": lambda: make_regression(2_000 if SMOKE else 20_000, 20, random_state=0),
}


def estimator(data, **settings):
    kind = "MLPRegressor" if data == "regression" else "MLPClassifier"
    warnings.simplefilter("ignore")
    return getattr(Names("", "estimators"), kind)(max_iter=EPOCHS, tol=0.0, random_state=0, **settings)


class Fit:
    params = (list(DATA), ["adam", "sgd", "lbfgs"], ["float32", "float64"])
    param_names = ["data", "solver", "dtype"]

    def setup(self, data, solver, dtype):
        self.X, self.y = DATA[data]()
        self.estimator = estimator(data, solver=solver, dtype=dtype)
        self.estimator.fit(self.X[:200], self.y[:200])

    def time_fit(self, data, solver, dtype):
        self.estimator.fit(self.X, self.y)


class Predict:
    params = [1, 1_797]
    param_names = ["rows"]

    def setup(self, rows):
        X, y = DATA["digits"]()
        self.X, self.estimator = X[:rows], estimator("digits").fit(X, y)
        self.estimator.predict(self.X)

    def time_predict(self, rows):
        self.estimator.predict(self.X)


class Search:
    def setup(self):
        self.X, self.y = DATA["wine" if SMOKE else "digits"]()
        self.search = GridSearchCV(estimator("digits"), {"alpha": [1e-4, 1e-2]}, cv=2, n_jobs=2)
        self.search.fit(self.X, self.y)

    def time_search(self):
        self.search.fit(self.X, self.y)
