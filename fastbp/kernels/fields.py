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
SEGMENT_STARTS = _next()  # the first layer of each, -1 for the input, LAYERS for the loss alone; and LAYERS
THREADS = _next()
X = _next()
X_ROW = _next()  # bytes from one row of x to the next
Y = _next()
Y_ROW = _next()
SAMPLE_WEIGHT = _next()  # float64 that the loss of each sample is multiplied by, or 0: none
SAMPLE_WEIGHT_ROW = _next()
ORDER = _next()  # int64 sample numbers in the order of training, or 0: as they come
SHUFFLE = _next()  # whether ORDER is shuffled first
ROWS = _next()  # int64 numbers of the rows that the samples which are shuffled are, or 0: as they come
TRAINING = _next()  # 1: layers do what they do while a network learns, as dropping units at random
NOISE_STEP = _next()  # the number of the run's first step, from the beginning of training; negative ones are of predictions
NOISE_KEY = _next()  # of the present step: with a layer's SEED, the random numbers of samples and units follow from it
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
LOSS_SUMS = _next()  # what the loss has to know of the whole batch (batch_loss.py), or 0: it treats each row alone
LOSS_GROUPS = _next()  # room for its sums over groups of rows
ROW_LOSS = _next()  # float64 for each row of the batch
ACTIVITY_PENALTIES = _next()  # 1: there is a penalty on the output of some layer
PENALTY_SUMS = _next()  # float64, the penalties on weights of each part of the update, or 0: there are none
PENALTY_COUNT = _next()  # how many
PENALTY_FACTORS = _next()  # float64 for each step of the run that the penalties on weights are multiplied by, or 0: none
PENALTY_FACTOR = _next()  # float64, the present step's
CONSTRAINED_NORMS = _next()  # 1: after a step some weights are brought to a norm
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
ONE_PASS = _next()  # scratch for a gradient, of a plan that goes back and updates in one pass over the weights; else 0
ONE_PASS_SUMS = _next()  # for each of ONE_PASS_ROWS inputs a vector for each row of the batch
ONE_PASS_ROWS = _next()  # inputs whose weights are gone through together
ONES = _next()  # a vector of ones
ZEROS = _next()  # vectors of zeros: a panel's row, or more
MONITOR = _next()  # a table of what is observed of some steps, or 0: of none
OBSERVED = _next()  # MONITOR while the update of such a step is under way, else 0
CONTROL = _next()  # barrier and flags, see team.py
RESULT = _next()  # float64, see below
UNDO = _next()  # how to take back a step that is given up (abandon.py), or 0: steps are short, and always finished
KEPT = _next()  # bytes from a parameter to its gradient where all of it is formed before any weight moves, or 0
APPLYING = _next()  # with KEPT, a plan like this one for the second half of the update, which finds the gradient formed
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
SEED = _next()  # of its random numbers
BATCH_STATISTICS = _next()  # what follows from the whole batch (layers/batch_norm.py), or 0: moving statistics are used
INPUT = _next()
INPUT_ROW = _next()
OUTPUT = _next()
OUTPUT_ROW = _next()
DERIVATIVE = _next()  # the activation's derivative where it does not follow from the output, else 0
ROW_NUMBERS = _next()  # what a normalization keeps of each row for the way back, else 0
DELTA = _next()  # gradient with respect to the pre-activation (dZ)
DELTA_ROW = _next()
BIAS = _next()  # 1 or 0
WEIGHTS = _next()  # panels [panel][UNITS_IN + BIAS][width], the bias each one's last row; of other kinds [vector][unit]
LEARNT_VECTORS = _next()  # of weights that are a number for each unit: how many of these gradients change
TRANSPOSED = _next()  # panels of the transposed kernel (up to MAX_DOT_UNITS units: its rows), or 0 for the first layer
STALE = _next()  # where a 1 is written when the weights have left that copy behind, or 0: there is none
RULES = _next()  # RULE_FIELDS for each of its weights (of a dense layer: kernel, bias), or 0: they are as the loss wants them
PENALTIES = _next()  # where its part of PENALTY_SUMS begins, or 0: none
CLIPS_WEIGHTS = _next()  # 1: some of its weights must not be negative
CONSTRAINS_NORMS = _next()  # 1: some of its weights are brought to a norm
ACTIVITY = _next()  # ACTIVITY_FIELDS of the penalty on its output, or 0: none
ERROR = _next()  # the row of the layer whose DELTA goes back through this one: itself, unless feedback is direct
FEEDBACK = _next()  # what it is multiplied by there: TRANSPOSED, or other panels laid out like it
SIGNED = _next()  # panels whose numbers take the signs of TRANSPOSED's, or 0
TRAINABLE = _next()  # 1: the weights are differentiated and updated
FIRST_VARIABLE = _next()  # the number of its first variable among those that learn
UNDECAYED = _next()  # a bit for each of its variables: 1 for those that weight decay leaves alone
PACKED = _next()  # 1: the update copies the inputs it needs before it goes through them
LAYER_FIELDS = _next()

# -- KIND
DENSE, ELEMENTWISE, WHOLE_ROWS, GLU, PRELU, DROPOUT, GAUSSIAN_NOISE, GAUSSIAN_DROPOUT, ALPHA_DROPOUT = range(9)
LAYER_NORM, RMS_NORM, UNIT_NORM, AFFINE, BATCH_NORM = range(9, 14)
COMMON = (DENSE, ELEMENTWISE, WHOLE_ROWS)  # the others are in full kernels only (run.py)
ROW_NORMS = (LAYER_NORM, RMS_NORM, UNIT_NORM)
ACTIVATED = (DENSE, *ROW_NORMS, AFFINE, BATCH_NORM)  # an elementwise activation that follows is done with the layer
KEPT_NUMBERS = 2  # in ROW_NUMBERS, of each row

# -- A rule of a weight: l1, l2, a constraint's code, and for norms whether they are of rows, and bounds. Floats are float64.
RULE_L1, RULE_L2, RULE_CONSTRAINT, RULE_ACROSS, RULE_LOW, RULE_HIGH, RULE_RATE = range(7)
RULE_FIELDS = 7

# -- The penalty on an output, float64: l1, l2, and 1 / rows of the step, by which its gradient is multiplied.
ACTIVITY_L1, ACTIVITY_L2, ACTIVITY_SHARE = range(3)
ACTIVITY_FIELDS = 3

# -- A task of the update: some rows of some panels of one layer.
TASK_LAYER, TASK_VECTOR, TASK_LAST_VECTOR, TASK_FIRST, TASK_LAST, TASK_SLOT = range(6)  # the latter in SQUARES
TASK_FIELDS = 6

# -- MONITOR: what is observed of steps 0, EVERY, 2 EVERY, ... of a pass, and where it goes (monitor.py).
_next = count().__next__
EVERY = _next()
PASS_STEPS_BEFORE = _next()  # of the pass, before those of the run
WEIGHTS_BEFORE = _next()  # bytes from a weight to the copy of it from before the update
UNIT_SUMS = _next()  # float64: for each group of rows how many, and SUMS_OF_UNIT sums for each unit of each layer
UNIT_SUMS_ROW = _next()  # bytes from one group's to the next one's
GRADIENT_SUMS = _next()  # float64: the sum of squares of each part of each layer's gradient
WEIGHT_SUMS = _next()  # float64: SUMS_OF_WEIGHTS for each CHUNK vectors of a layer's weights
WATCHED = _next()  # WATCHED_FIELDS integers for each layer
RECORDS = _next()  # float64: RECORD_FIELDS for each layer, for each step observed
RECORDED = _next()  # steps that have a record
MONITOR_FIELDS = _next()

# Where a layer's sums begin, and the end of its parts; how many vectors of weights it learns; FLAT_BELOW are float64 bits.
UNITS_AT, PARTS_AT, PARTS_END, CHUNKS_AT, WEIGHT_VECTORS, DERIVATIVE_FROM, FLAT_BELOW = range(7)
WATCHED_FIELDS = 7
PIVOT, DEVIATION, SQUARED_DEVIATION, FLAT = range(4)  # of a unit's outputs: the first one, and sums of the others less that
SUMS_OF_UNIT = 4
SUMS_OF_WEIGHTS = 2  # squares of the weights before the update, and of how far it moved them
CHUNK = 64
GRADIENT_NORM, WEIGHT_NORM, UPDATE_NORM, OUTPUT_MEAN, OUTPUT_SPREAD, FLAT_SHARE, DEAD_SHARE = range(7)
RECORD_FIELDS = 7

# -- RESULT
LOSS_SUM, STEPS, DIVERGED_AT, DIVERGED_WEIGHTS, BECAME_SINGLE_THREAD, EPOCHS_DONE = range(6)  # by the weights, not by the loss
PENALTY_SUM = 6  # what LOSS_SUM has of penalties on weights
EPOCH_LOSS = 7  # the sum of the losses of the first finished pass; as many follow as there are
MAX_EPOCHS = 256  # of one call
EPOCH_PENALTY = EPOCH_LOSS + MAX_EPOCHS  # the same of the penalties
RESULT_SIZE = EPOCH_PENALTY + MAX_EPOCHS

# -- CONTROL: 64-bit integers that threads share, each on cache lines of its own.
ARRIVED = 0  # threads at the barrier
GENERATION = 16  # how often the barrier has opened
STOP = 32  # asked for from outside: end after this step
QUIT = 48  # all leave at the end of this step
ABORT = 64  # nobody waits any more: the team never got together
SINGLE_THREAD = 80  # the others leave at the end of this step, thread 0 goes on
ABANDONED_ROWS = 96  # some rows did not go through all layers: all leave before the update, and the step is taken back
ABANDONED_TASKS = 112  # some part of the gradient was not formed: all leave before any weight moves
CONTROL_SIZE = 128
