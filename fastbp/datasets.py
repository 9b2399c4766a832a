"""Data sets of Keras: fastbp ships none, and says where each is found.

>>> import fastbp
>>> fastbp.datasets.california_housing.load_data()
Traceback (most recent call last):
...
AttributeError: fastbp.datasets.california_housing is not there: fastbp ships no data; scikit-learn does: sklearn.datasets...
"""

from . import absent as _absent

__all__: list[str] = []

__getattr__ = _absent.explain(__name__, _absent.DATASETS)
