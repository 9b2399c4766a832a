"""Fits by L-BFGS: scipy's, over the compiled loss and gradient of all of the data."""

import time
from typing import Any

import numpy as np
from scipy import optimize
from sklearn.utils.optimize import _check_optimize_result

from ..solvers.lbfgs import single_blas_thread
from .network import Learner
from .rows import Rows


def fit(estimator: Any, learner: Learner, rows: Rows, threads: int | None) -> None:
    """Minimise the loss, as scikit-learn does it."""
    objective, head = learner.engine.objective(*rows.whole(), threads), learner.head
    deadline = None if estimator.time_budget is None else time.perf_counter() + estimator.time_budget
    iterations = 0
    loss = np.nan

    def value_and_gradient(point: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal loss
        found, gradient = objective.value_and_gradient(point)
        loss = head.loss_of(found, objective.penalty)
        return loss, gradient / head.factor

    def iterated(_: np.ndarray) -> None:
        nonlocal iterations
        iterations += 1
        if estimator.verbose:
            print(f"Iteration {iterations}, loss = {loss:.8f}")
        if deadline is not None and time.perf_counter() > deadline:
            raise StopIteration

    with single_blas_thread():
        result = optimize.minimize(
            value_and_gradient,
            objective.point(),
            method="L-BFGS-B",
            jac=True,
            callback=iterated if estimator.verbose or deadline is not None else None,
            options={"maxfun": estimator.max_fun, "maxiter": estimator.max_iter, "gtol": estimator.tol},
        )
    estimator.n_iter_ = _check_optimize_result("lbfgs", result, estimator.max_iter)
    estimator.loss_ = result.fun
    objective.place(result.x)
