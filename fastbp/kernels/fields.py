"""Where a plan keeps its numbers: the fields of the integer tables that kernels read.

A plan is one row of 64-bit integers (sizes, codes, addresses in bytes) and one such row for each layer. The names here are
positions in those rows: ``engine/plan.py`` and ``engine/engine.py`` fill them, the kernels read them.
"""

from itertools import count

# Bits of PHASES: the parts of a step.
GATHER, FORWARD, LOSS_PHASE, BACKWARD, UPDATE, PREDICT, INPUT_GRADIENT = 1, 2, 4, 8, 16, 32, 64
TRAIN = GATHER | FORWARD | LOSS_PHASE | BACKWARD | UPDATE
PREDICT_ONLY, PREDICT_FOR_BACKWARD = FORWARD | PREDICT, GATHER | FORWARD | PREDICT  # the latter keeps what BACKWARD needs

# -- The plan.
_next = count().__next__
PHASES = _next()  # the bits above
SAMPLES = _next()  # rows of x
BATCH = _next()  # rows of one step
EPOCHS = _next()  # passes over the data, at least 1
FIRST_STEP = _next()  # of a pass; from a later one on than 0, what is left of a pass that has begun
LAST_STEP = _next()  # the step to stop before, or 0: to the end of the pass
LAYERS = _next()  # rows of TABLE that the loss is a function of
OUTPUT_LAYERS = _next()  # with those that only predictions go through after that
BACKWARD_END = _next()  # the lowest layer, at least 1, whose DELTA is passed on to the layer below
SEGMENTS = _next()  # parts of the network that the whole batch goes through before the next
SEGMENT_STARTS = _next()  # the first layer of each, and LAYERS
THREADS = _next()
X = _next()
X_ROW = _next()  # bytes from one row of x to the next
Y = _next()
Y_ROW = _next()
SAMPLE_WEIGHT = _next()  # float64 that the loss of each sample is multiplied by, or 0: none
SAMPLE_WEIGHT_ROW = _next()
ORDER = _next()  # int64 sample numbers in the order of training, or 0: as they come
SHUFFLE = _next()  # whether ORDER is shuffled first
TRAINING = _next()  # 1: layers do what they do while a network learns, as dropping units at random
NOISE_SEED = _next()  # from which, with the number of a step, NOISE_KEY follows
NOISE_STEP = _next()  # the number of the run's first step, from the beginning of training
NOISE_KEY = _next()  # of the present step: random numbers of a sample and a unit follow from it
RANDOM = _next()  # the shuffle's generator, one uint64
TABLE = _next()  # the layers' rows
PARAMETERS = _next()  # all weights, SLOT bytes
OPTIMIZER = _next()  # code
HYPER = _next()  # float64: the learning rate and the optimizer's other settings
LEARNING_RATES = _next()  # float64 for each step of the run, instead of the one in HYPER, or 0: none
RUNNING_PRODUCTS = _next()  # of the optimizer, from step to step
SCALARS = _next()  # of a step; once more for weights that do not decay
STATE = _next()  # bytes from a parameter to its first optimizer state
PREFETCH_ARRAYS = _next()  # arrays to prefetch for an update: the weights and their states, or 0 if all are in cache
SLOT = _next()  # bytes from one state to the next
STEERED = _next()  # 1: more happens in the update than the optimizer's rule, by the fields that follow
STEPS_BEFORE = _next()  # steps before the run's first one
ACCUMULATION = _next()  # steps whose mean gradient the weights move along, at least 1
ADDED_UP = _next()  # gradients added up before the present step's
ACCUMULATOR = _next()  # bytes from a parameter to the sum of its gradients, or 0
CLIP_VALUE = _next()  # float64, or 0: none
CLIP_NORM = _next()  # float64, or 0: none
IS_GLOBAL_NORM = _next()  # 1: of all gradients together; 0: of each variable, a layer's kernel or bias
STORED = _next()  # bytes from a parameter to its gradient where the norm is waited for, else 0
SQUARES = _next()  # float64 sums of squares, each of some rows of a panel of a variable's gradient
VARIABLES = _next()  # variables that learn
VARIABLE_STARTS = _next()  # where each one's sums begin, and where the last one's end
AVERAGE = _next()  # bytes from a parameter to its average over the steps, or 0
AVERAGE_MOMENTUM = _next()  # float64
AVERAGE_FREQUENCY = _next()  # updates after which averages take the place of weights, or 0: never
STEP_MOMENTUM = _next()  # AVERAGE_MOMENTUM; in the first step 0
OVERWRITES = _next()  # 1: averages take the place of weights in the present step
LOSS = _next()  # code
LOSS_PARAMETER = _next()  # float64 bits
LOSS_PER_OUTPUT = _next()  # 1: the mean is over rows and outputs; 0: over rows
ROW_LOSS = _next()  # float64 for each row of the batch
STATISTICS = _next()  # what to count for the metrics, one of codes.py
COUNTS = _next()  # float64 slots, one for each group
COUNTS_ROW = _next()
BLOCK = _next()  # rows that go through all layers together
GROUPS = _next()  # 0: the whole batch is kept; else its fixed parts, each with its gradient
GRADIENTS = _next()  # bytes from a parameter to its gradient in group 0
GROUP = _next()  # bytes from one group's gradient to the next
ARENA = _next()  # bytes from one thread's activations to the next thread's (with groups)
TASKS = _next()  # TASK_FIELDS integers for each task of the update
TASK_STARTS = _next()  # where each thread's tasks begin
SINGLE_THREAD_STARTS = _next()  # the same for one thread
SCRATCH = _next()  # for each thread a small gradient tile, and after it room for packed inputs
SCRATCH_ROW = _next()
ONES = _next()  # a vector of ones
ZEROS = _next()  # a panel's row of zeros
CONTROL = _next()  # barrier and flags, see team.py
RESULT = _next()  # float64, see below
OUT = _next()  # predictions
OUT_ROW = _next()
FIELDS = _next()

# With INPUT_GRADIENT, two rows stand before TABLE: the input, whose DELTA is the gradient with respect to it, and the first
# layer once more, with a transposed copy of its weights. That copy is made anew each time: training does without.
INPUT_POSITION, FIRST_LAYER_POSITION, ROWS_BEFORE_TABLE = -2, -1, 2

# -- A layer: first what every kind has, then what dense layers have.
_next = count().__next__
KIND = _next()  # one of the kinds below
UNITS_IN = _next()
UNITS_OUT = _next()
VECTORS_IN = _next()  # vectors that hold UNITS_IN
VECTORS_OUT = _next()
ACTIVATION = _next()  # code
ALPHA = _next()  # its parameter, float64 bits
SETTING_0, SETTING_1, SETTING_2 = _next(), _next(), _next()  # of the kind, float64 bits
INPUT = _next()
INPUT_ROW = _next()
OUTPUT = _next()
OUTPUT_ROW = _next()
DERIVATIVE = _next()  # the activation's derivative where it does not follow from the output, else 0
DELTA = _next()  # gradient with respect to the pre-activation (dZ)
DELTA_ROW = _next()
BIAS = _next()  # 1 or 0
WEIGHTS = _next()  # panels [panel][UNITS_IN + BIAS][width], the bias each one's last row; of other kinds [vector][unit]
LEARNT_VECTORS = _next()  # of weights that are a number for each unit: how many of these gradients change
TRANSPOSED = _next()  # panels of the transposed kernel (up to MAX_DOT_UNITS units: its rows), or 0 for the first layer
TRAINABLE = _next()  # 1: the weights are differentiated and updated
FIRST_VARIABLE = _next()  # the number of its first variable among those that learn
UNDECAYED = _next()  # a bit for each of its variables: 1 for those that weight decay leaves alone
PACKED = _next()  # 1: the update copies the inputs it needs before it goes through them
LAYER_FIELDS = _next()

# -- KIND
DENSE, ELEMENTWISE, WHOLE_ROWS, GLU, PRELU = range(5)

# -- A task of the update: some rows of some panels of one layer.
TASK_LAYER, TASK_VECTOR, TASK_LAST_VECTOR, TASK_FIRST, TASK_LAST, TASK_SLOT = range(6)  # the latter in SQUARES
TASK_FIELDS = 6

# -- RESULT
LOSS_SUM, STEPS, DIVERGED_AT, DIVERGED_WEIGHTS, BECAME_SINGLE_THREAD, EPOCHS_DONE = range(6)  # by the weights, not by the loss
EPOCH_LOSS = 6  # the sum of the losses of the first finished pass; as many follow as there are
MAX_EPOCHS = 256  # of one call
RESULT_SIZE = EPOCH_LOSS + MAX_EPOCHS

# -- CONTROL: 64-bit integers that threads share, each on cache lines of its own.
ARRIVED = 0  # threads at the barrier
GENERATION = 16  # how often the barrier has opened
STOP = 32  # asked for from outside: end after this step
QUIT = 48  # all leave at the end of this step
ABORT = 64  # nobody waits any more: the team never got together
SINGLE_THREAD = 80  # the others leave at the end of this step, thread 0 goes on
CONTROL_SIZE = 96
