"""The plans of one network: made when first needed, kept, and bound to what a run works on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..kernels import fields as at
from ..kernels.codes import PROJECTION, STORE
from ..kernels.optimizer import HYPER_RATE, HYPER_SIZE, SCALARS
from ..layers.stages import Stage
from ..losses import Custom, Loss
from ..optimizers import Optimizer
from .abandon import kept_place, make_abandonable
from .batch_loss import bind_loss
from .buffers import float_bits
from .fusion import Fusion, fuse
from .memory import address, aligned_zeros, empty, zeros
from .one_pass import pays
from .parameters import Parameters
from .plan import Plan, make_plan
from .state import TrainingState
from .steering import Steering

if TYPE_CHECKING:
    from ..graph.codegen.bound import BoundFunction, BoundLoss

MIN_PREFETCH_BYTES = 256 * 1024  # of parameters and their state, which a core's cache does not keep from step to step
MAX_PLANS = 9  # a caller that never repeats a size must not fill the memory


class Plans:
    """The plans of one network.

    Parameters
    ----------
    stages : sequence of Stage
    state : TrainingState

    Attributes
    ----------
    differ_in_training : bool
        Whether some stages do something else while the network learns.
    generation : int
        Another number whenever plans that were made are of use no more.
    """

    def __init__(self, stages: Sequence[Stage], state: TrainingState) -> None:
        self._stages, self._state, self._parameters = stages, state, state.parameters
        self.dtype, self.units = self._parameters.dtype, self._parameters.shapes[-1].units_out
        self._scalars, self._hyper = aligned_zeros("scalars", 2 * SCALARS, self.dtype), zeros("settings", HYPER_SIZE)
        self._order, self.generation = np.zeros(0, np.int64), 0
        self._plans: dict[tuple[int, int, int, bool, bool, bool, bool, bool], Plan] = {}
        self._need_full = self._parameters.has_feedback or any(stage.needs_full_kernel for stage in stages)
        self._is_random = any(stage.is_random for stage in stages)
        self._one_pass: dict[int, bool] = {}  # of batches of so many rows
        self._optimizer: Optimizer | None = None
        self.steering: Steering | None = None
        self._loss: Loss | None = None
        self._activations: list[BoundFunction | None] | None = None  # the code of custom ones, else None
        self._custom_losses: dict[int, BoundLoss] = {}  # the code of a custom loss, by the columns of targets
        self._targets = 0  # their columns in what comes next

    def configure(self, optimizer: Optimizer, loss: Loss | None) -> None:
        """Take an optimizer and a loss; plans and formulas are made anew."""
        self._optimizer, self._loss = optimizer, loss
        self._hyper[:] = optimizer.hyper
        self.steer(optimizer)
        self._activations, self._custom_losses = None, {}
        self.clear()

    def steer(self, optimizer: Optimizer) -> None:
        """Have updates do what an optimizer asks for beside its rule, for the layers that are trainable now."""
        self.steering = Steering(optimizer, self._parameters)

    def clear(self) -> None:
        self._plans.clear()
        self._one_pass.clear()
        self.generation += 1

    @property
    def need_full_kernel(self) -> bool:
        """Whether the network has, or its optimizer asks for, anything that only some do (kernels/run.py)."""
        if isinstance(self._loss, Custom) and self._loss.is_of_batch:
            return True
        return self._need_full or (self.steering is not None and self.steering.is_steered)

    def expect(self, y: np.ndarray) -> None:
        """Have the plans asked for from now on be for such targets."""
        if y.ndim == 2 and y.shape[1] != self._targets:
            self._targets = y.shape[1]
            self._one_pass.clear()

    @property
    def measures_batch(self) -> bool:
        """Whether the loss of the targets that are expected belongs to a batch as a whole."""
        return isinstance(self._loss, Custom) and self._custom_loss(self._loss, self._targets).is_of_batch

    @property
    def normalize_batch(self) -> bool:
        """Whether a network that learns needs the whole batch in some layer."""
        return any(shape.normalizes_batch for shape in self._parameters.shapes)

    @property
    def differ_in_training(self) -> bool:
        """Whether a network that learns does other things than one that predicts."""
        return self._is_random or self.normalize_batch

    @property
    def memory(self) -> int:
        """Bytes of all plans' buffers, and of what their updates share."""
        shared = 0 if self.steering is None else self.steering.memory
        return shared + sum(plan.memory for plan in self._plans.values())

    def get(
        self,
        phases: int,
        batch: int,
        threads: int,
        keep: bool = False,
        apart: bool = False,
        training: bool = False,
        one_pass: bool = False,
    ) -> Plan:
        """The plan for some phases of a step on so many rows, with room for as many threads.

        ``apart``: one that nothing else works on, so that it stays bound to what it is given. ``training``: one in which
        layers do what they do while the network learns. ``one_pass``: see ``make_plan``.
        """
        training = training and self.differ_in_training
        key = phases, batch, threads, keep, apart, training, one_pass, bool(phases & at.LOSS_PHASE) and self.measures_batch
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            plan = self._plans[key] = self.make(phases, batch, threads, keep, training, one_pass)
        return plan

    def make(
        self, phases: int, batch: int, threads: int, keep: bool = False, training: bool = False, one_pass: bool = False
    ) -> Plan:
        """A plan as ``get`` has it that is not kept."""
        training = training and self.differ_in_training
        loss = self._loss if phases & at.LOSS_PHASE else None
        chosen = [i for i, stage in enumerate(self._stages) if training or not stage.is_random]
        shapes, stages = [self._parameters.shapes[i] for i in chosen], [self._stages[i] for i in chosen]
        cuts = [i for i, shape in enumerate(shapes) if training and shape.normalizes_batch]
        if loss is not None and self.measures_batch:
            cuts.append(len(shapes))
        plan = make_plan(self._parameters, shapes, fuse(stages, loss), phases, batch, threads, keep, cuts, one_pass=one_pass)
        plan[at.TRAINING] = training
        self._bind_network(plan, chosen)
        make_abandonable(plan, self._parameters, shapes, self._state.running_products)
        if loss is not None:
            plan[at.LOSS_PARAMETER], plan[at.LOSS_PER_OUTPUT] = float_bits(loss.parameter), loss.per_output
        return plan

    def takes_one_pass(self, batch: int) -> bool:
        """Whether steps of so many rows go back and update in one pass over the weights. It does not depend on the threads."""
        if batch not in self._one_pass:
            if len(self._one_pass) >= MAX_PLANS:
                self._one_pass.clear()
            self._one_pass[batch] = self._pays_in_one_pass(batch)
        return self._one_pass[batch]

    def _pays_in_one_pass(self, batch: int) -> bool:
        assert self._optimizer is not None
        if self._parameters.has_feedback or self.normalize_batch or self._optimizer.norm_limit is not None:
            return False
        if self.measures_batch:
            return False
        return pays(self._parameters.shapes, batch)

    def project(self, parameters: Parameters, phases: int, rows: int, threads: int, groups: int | None = None) -> Plan:
        """A plan for the gradient of the outputs along the targets, added up over all rows or those of each group.

        ``parameters`` are the network's, perhaps with others that are trainable. The plan is not kept.
        """
        chosen = [i for i, stage in enumerate(self._stages) if not stage.is_random]
        stages = [replace(self._stages[i], rules=(), activity=None) for i in chosen]  # outputs alone, whatever they cost
        shapes, fusion = [parameters.shapes[i] for i in chosen], Fusion(stages, len(stages), PROJECTION)
        plan = make_plan(parameters, shapes, fusion, phases, rows, threads, groups=groups)
        self._bind_network(plan, chosen)
        return plan

    def separate(self, rows: int, parameters: Parameters | None = None, loss: int = 0) -> Plan:
        """A plan of one thread for so many rows, with what ``backward`` needs. It is not kept.

        ``parameters`` as for ``project``; ``loss`` is the code of one that needs no setting.
        """
        chosen = [i for i, stage in enumerate(self._stages) if not stage.is_random]
        stages = [replace(self._stages[i], rules=(), activity=None) for i in chosen]
        parameters = parameters or self._parameters
        shapes, fusion = [parameters.shapes[i] for i in chosen], Fusion(stages, len(stages), loss)
        plan = make_plan(parameters, shapes, fusion, at.PREDICT_FOR_BACKWARD, rows, 1, keep=True)
        self._bind_network(plan, chosen)
        return plan

    def _bind_network(self, plan: Plan, chosen: Sequence[int]) -> None:
        """What a plan of some stages works on besides the data."""
        plan[at.PARAMETERS], plan[at.SLOT] = address(self._parameters.weights), self._parameters.weights.nbytes
        plan[at.RANDOM], plan[at.RUNNING_PRODUCTS] = address(self._state.generator), address(self._state.running_products)
        plan[at.HYPER], plan[at.SCALARS] = address(self._hyper), address(self._scalars)
        self._bind_activations(plan, chosen)

    def stop_runs(self) -> None:
        """Have whatever runs end after its step."""
        for plan in list(self._plans.values()):
            plan.buffers["control"][at.STOP] = 1

    def note_run(self, plan: Plan) -> None:
        """A plan is about to run: where that changes the weights, they are others from now on."""
        if plan.fields[at.PHASES] & at.UPDATE and plan.fields[at.OPTIMIZER] != STORE:
            self._parameters.version += 1

    def _bind_activations(self, plan: Plan, chosen: Sequence[int]) -> None:
        """Custom activations of the stages that the plan has: compiled once, so that all plans have the same."""
        if self._activations is None:
            self._activations = [stage.activation.bind(self.dtype.name) for stage in self._stages]
        for row, i in zip(plan.table, chosen, strict=False):  # what a loss adds is never custom
            function = self._activations[i]
            row[at.ALPHA] = row[at.ALPHA] if function is None else function.address

    def order(self, n: int) -> np.ndarray:
        """Room for the order of n samples, the same for all passes that nobody asks for theirs."""
        if len(self._order) != n:
            self._order = empty("order", n, np.int64)
        return self._order

    def bind_data(
        self,
        plan: Plan,
        x: np.ndarray,
        y: np.ndarray | None = None,
        sample_weight: np.ndarray | None = None,
        order: np.ndarray | None = None,
    ) -> None:
        """Have a plan work on x and, where it measures a loss, y and the samples' weights (float64).

        Each pass writes a new order of the samples into ``order``; without, they are taken as they come. Nothing is observed.
        """
        plan[at.SAMPLES], plan[at.SHUFFLE], plan[at.ORDER] = len(x), order is not None, address(order)
        plan[at.SAMPLE_WEIGHT], plan[at.MONITOR] = 0, 0
        plan.place(at.X, x)
        if sample_weight is not None:
            plan.place(at.SAMPLE_WEIGHT, sample_weight)
        if y is not None:
            plan.place(at.Y, y)
            if isinstance(self._loss, Custom):
                bind_loss(plan, self._custom_loss(self._loss, y.shape[1]), sample_weight)

    def _custom_loss(self, loss: Custom, targets: int) -> "BoundLoss":
        """The code of a custom loss for so many columns of targets."""
        if targets not in self._custom_losses:
            self._custom_losses[targets] = loss.bind(targets, self.units, self.dtype.name)
        return self._custom_losses[targets]

    def bind_optimizer(
        self, plan: Plan, learning_rates: np.ndarray | None = None, penalty_factors: np.ndarray | None = None
    ) -> None:
        """Have the update take the optimizer's step, perhaps with a learning rate for each step of the run (float64).

        So may be what penalties on weights are multiplied by.
        """
        assert self._optimizer is not None and self.steering is not None
        parameters, slots = self._parameters, self._optimizer.slots
        self.refresh_learning_rate()
        plan[at.LEARNING_RATES], plan[at.PENALTY_FACTORS] = address(learning_rates), address(penalty_factors)
        plan[at.PENALTY_FACTOR] = float_bits(1.0)
        plan[at.OPTIMIZER], plan[at.STATE] = self._optimizer.code, parameters.state_offset
        plan[at.KEPT] = kept_place(plan, parameters)
        parameters.route_errors(plan.table, True)
        touched = parameters.weights.nbytes * (2 + slots)
        plan[at.PREFETCH_ARRAYS] = 1 + slots if touched > MIN_PREFETCH_BYTES else 0
        self.steering.bind(plan)

    def refresh_learning_rate(self) -> None:
        """Have the optimizer's learning rate in place: all of its settings that may change."""
        assert self._optimizer is not None
        self._hyper[HYPER_RATE] = self._optimizer.learning_rate

    def bind_gradient(self, plan: Plan, by_feedback: bool = False) -> np.ndarray:
        """Have the update store the gradient instead of using it; the buffer for it, laid out like the weights.

        ``by_feedback``: what the network learns by, where that is not the gradient.
        """
        gradient = aligned_zeros("gradient", self._parameters.size, self.dtype)
        self._parameters.route_errors(plan.table, by_feedback)
        plan[at.OPTIMIZER], plan[at.PREFETCH_ARRAYS], plan[at.LEARNING_RATES], plan[at.STEERED] = STORE, 0, 0, 0
        plan[at.PENALTY_FACTORS], plan[at.PENALTY_FACTOR], plan[at.KEPT] = 0, float_bits(1.0), 0
        plan[at.STATE] = address(gradient) - address(self._parameters.weights)
        return gradient
