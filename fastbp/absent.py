"""Names that Keras has and fastbp has not, each with what to use instead; a module's ``__getattr__`` raises them.

A name that is asked for raises an AttributeError with the sentence, and one that is imported an ImportError with it: Python
would replace the sentence of an AttributeError there. No such name is listed by ``dir``.
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from opcode import opname
from types import FrameType
from typing import Any


def _for_each(names: str, sentence: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), sentence)


_DENSE_ONLY = "fastbp has dense layers only"
_LATER = "it comes in a later version"
_SKLEARN = "fastbp ships no data; scikit-learn does"
_TABLES = "fastbp is for tables of numbers"

LAYERS = {
    **_for_each(
        "Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose Convolution1D Convolution2D Convolution3D "
        "SeparableConv1D SeparableConv2D DepthwiseConv1D DepthwiseConv2D MaxPooling1D MaxPooling2D MaxPooling3D MaxPool1D "
        "MaxPool2D MaxPool3D AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D "
        "GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D "
        "GlobalMaxPooling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D UpSampling1D UpSampling2D UpSampling3D Cropping1D "
        "Cropping2D Cropping3D SpatialDropout1D SpatialDropout2D SpatialDropout3D AdaptiveAveragePooling1D "
        "AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D "
        "Convolution1DTranspose Convolution2DTranspose Convolution3DTranspose GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D "
        "GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D SeparableConvolution1D SeparableConvolution2D",
        f"{_DENSE_ONLY}, no convolutions: flatten small images, as in Flatten() and Dense(...)",
    ),
    **_for_each(
        "LSTM GRU SimpleRNN RNN LSTMCell GRUCell SimpleRNNCell StackedRNNCells ConvLSTM1D ConvLSTM2D ConvLSTM3D Bidirectional "
        "TimeDistributed Masking RepeatVector",
        f"{_DENSE_ONLY}, no recurrence: give a Dense layer a window of the last values as features",
    ),
    **_for_each(
        "Attention AdditiveAttention MultiHeadAttention GroupQueryAttention",
        f"{_DENSE_ONLY}, no attention",
    ),
    **_for_each(
        "Embedding ReversibleEmbedding", f"{_DENSE_ONLY}: fastbp.utils.to_categorical makes columns of a few categories"
    ),
    **_for_each("GroupNormalization SpectralNormalization", f"{_DENSE_ONLY}; normalization of layers {_LATER}"),
    **_for_each(
        "Add Subtract Multiply Average Maximum Minimum Concatenate Dot add subtract multiply average maximum minimum "
        "concatenate dot",
        "layers here follow each other in one chain; graphs that branch come in a later version",
    ),
    **_for_each("Lambda", "a function of each unit is Activation(f); other functions can be applied to the data before fit"),
    **_for_each("Permute EinsumDense", f"{_DENSE_ONLY}: Dense, Flatten and Activation"),
    **_for_each(
        "TextVectorization StringLookup IntegerLookup Hashing HashedCrossing CategoryEncoding Discretization",
        f"{_TABLES}; pandas.get_dummies and scikit-learn's encoders make them",
    ),
    **_for_each(
        "Resizing CenterCrop RandomCrop RandomFlip RandomRotation RandomZoom RandomTranslation RandomContrast "
        "RandomBrightness MelSpectrogram STFTSpectrogram AugMix AutoContrast ContrastLimitedAdaptiveHistogramEqualization "
        "CutMix Equalization MaxNumBoundingBoxes MixUp Pipeline RandAugment RandomColorDegeneration RandomColorJitter "
        "RandomElasticTransform RandomErasing RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective "
        "RandomPosterization RandomSaturation RandomSharpness RandomShear Solarization",
        f"{_TABLES}; prepare images and sounds before fit",
    ),
    **_for_each(
        "FlaxLayer JaxLayer TFSMLayer TorchModuleWrapper Wrapper InputSpec",
        "layers are compiled; a formula of each unit can be one, as Activation(f)",
    ),
}

MODELS: dict[str, str] = {}

SAVING = {
    "KerasFileEditor": "files of models are in the safetensors format, which safetensors.numpy.load_file reads",
    **_for_each("get_registered_name get_registered_object", "fastbp.utils.get_custom_objects() has both"),
}

OPTIMIZERS = {
    "Ftrl": "use Adam, or Adagrad for rare features",
    **_for_each("Lamb Adafactor Muon ScheduleFreeAdamW", "use AdamW"),
    **_for_each("MultiOptimizer OptimizerMap", "one optimizer updates all weights; layer.trainable = False freezes some"),
    "LossScaleOptimizer": "it is for float16, and fastbp computes in float32 or float64",
    "legacy": "use fastbp.optimizers.Adam and the others directly",
}

SCHEDULES = {"LearningRateSchedule": "any object with a method __call__(step) of arrays is one: see ExponentialDecay"}

LOSSES = _for_each(
    "CTC ctc Circle circle Dice dice Tversky tversky CategoricalGeneralizedCrossEntropy categorical_generalized_cross_entropy",
    "a function of (y_true, y_pred) that treats each sample alone can be the loss",
)

INITIALIZERS = _for_each("STFT STFTInitializer stft", "it is for layers of sounds; fastbp has dense layers only")

REGULARIZERS = _for_each(
    "OrthogonalRegularizer orthogonal_regularizer",
    "the derivative for a weight would take the whole kernel, where a step penalizes a part of it at a time; the initializer "
    "'orthogonal' has weights begin orthogonal, L1 and L2 keep them small",
)

TOP = {
    **_for_each("applications", f"{_DENSE_ONLY}: there are no pretrained networks"),
    **_for_each("preprocessing", f"{_TABLES}; prepare images, text and sequences before fit"),
    **_for_each("wrappers", "fastbp.MLPClassifier and fastbp.MLPRegressor are estimators of scikit-learn"),
    **_for_each(
        "mixed_precision dtype_policies quantizers Quantizer DTypePolicy FloatDTypePolicy",
        "fastbp computes in float32 or float64: dtype='float64'",
    ),
    "distillation": "predict with the teacher, and fit the student to what it says",
    "distribution": "fastbp.dask.fit trains one model on the workers of a cluster, fit_many(client=...) many",
    **_for_each("tree legacy export visualization", "fastbp runs on one machine's CPU, with threads"),
    **_for_each(
        "Variable KerasTensor Operation Function StatelessScope SymbolicScope InputSpec RematScope remat device name_scope",
        "fastbp has models, layers and formulas: see fastbp.trace",
    ),
}

UTILS = {
    "get_file": "fastbp downloads nothing: urllib.request.urlretrieve does",
    **_for_each(
        "image_dataset_from_directory text_dataset_from_directory audio_dataset_from_directory timeseries_dataset_from_array "
        "img_to_array array_to_img load_img save_img pad_sequences FeatureSpace",
        f"{_TABLES}; prepare them with NumPy",
    ),
    **_for_each(
        "bounding_boxes pack_x_y_sample_weight unpack_x_y_sample_weight", "train_on_batch takes x, y and sample_weight"
    ),
    **_for_each("multi_gpu_model model_to_estimator", "fastbp runs on one machine's CPU, with threads"),
    "Progbar": "tqdm draws bars",
    "model_to_dot": "plot_model draws without Graphviz",
    **_for_each("get_registered_name get_registered_object", "fastbp.utils.get_custom_objects() has both"),
    **_for_each("Config legacy", "leave it out"),
    **_for_each(
        "get_source_inputs is_keras_tensor standardize_dtype", "fastbp has models, layers and formulas: see fastbp.trace"
    ),
}

CONFIG = {
    **_for_each("disable_flash_attention enable_flash_attention is_flash_attention_enabled", f"{_DENSE_ONLY}, no attention"),
    **_for_each("enable_unsafe_deserialization is_nnx_enabled set_backend", "leave it out"),
    **_for_each("max_epochs set_max_epochs max_steps_per_epoch set_max_steps_per_epoch", "use fit(epochs=, steps_per_epoch=)"),
}

RANDOM = _for_each("beta binomial categorical dropout gamma", "numpy.random.default_rng(seed) has it")

BACKEND = {
    **_for_each(
        "get_uid is_float_dtype is_int_dtype is_keras_tensor result_type standardize_dtype",
        "NumPy has the same for arrays, as numpy.result_type",
    ),
    "set_value": "numbers are set where they are, as in model.optimizer.learning_rate = 0.001",
    **_for_each("variable placeholder function Function gradients", "fastbp.grad and fastbp.trace work on formulas"),
    **_for_each("get_session set_session set_learning_phase learning_phase manual_variable_initialization", "leave it out"),
    **_for_each("random_normal random_uniform truncated_normal random_bernoulli", "fastbp.random and NumPy have random arrays"),
    **_for_each("batch_dot conv1d conv2d pool2d rnn", f"{_DENSE_ONLY}"),
    **_for_each("map_fn foldl foldr batch_set_value batch_get_value update moving_average_update", "write it with NumPy"),
}

_DATASETS = {
    "california_housing": "sklearn.datasets.fetch_california_housing()",
    "boston_housing": "sklearn.datasets.fetch_california_housing() has houses too",
    "mnist": "sklearn.datasets.load_digits() has small digits, fetch_openml('mnist_784') these",
    "fashion_mnist": "sklearn.datasets.fetch_openml('Fashion-MNIST')",
    "cifar10": "sklearn.datasets.fetch_openml('CIFAR_10')",
    "cifar100": "sklearn.datasets.fetch_openml has data of many kinds",
    "imdb": "sklearn.datasets.fetch_20newsgroups_vectorized() has texts as numbers",
    "reuters": "sklearn.datasets.fetch_rcv1() has news of Reuters as numbers",
}
DATASETS = {name: f"{_SKLEARN}: {call}" for name, call in _DATASETS.items()}


def explain(module: str, sentences: Mapping[str, str], modules: tuple[str, ...] = ()) -> Callable[[str], Any]:
    """A module's ``__getattr__`` that says what to use instead of a name it has not.

    Parameters
    ----------
    module : str
        The module's ``__name__``.
    sentences : dict
        What to use instead, by name.
    modules : tuple of str
        Modules within it that are imported at their first use.
    """

    def module_getattr(name: str) -> Any:
        if name in modules:
            return import_module(f"{module}.{name}")
        raise missing(module, name, sentences, sys._getframe(1))

    return module_getattr


def missing(module: str, name: str, sentences: Mapping[str, str], asker: FrameType) -> Exception:
    """The error for a name that a module has not, asked for in this frame."""
    if name not in sentences:
        return AttributeError(f"module {module!r} has no attribute {name!r}")
    sentence = f"{module}.{name} is not there: {sentences[name]}"
    return ImportError(sentence) if _imports(asker) else AttributeError(sentence)


def _imports(frame: FrameType) -> bool:
    """Whether a frame is at ``from module import name``."""
    code = frame.f_code
    return code.co_filename.startswith("<frozen importlib") or opname[code.co_code[frame.f_lasti]] == "IMPORT_FROM"
