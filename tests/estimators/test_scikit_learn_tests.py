"""scikit-learn's own tests of its multi-layer perceptrons, run on fastbp's: only the import differs."""

from pathlib import Path

import pytest

neural_network = pytest.importorskip("sklearn.neural_network")

SOURCE = Path(neural_network.__file__).parent / "tests" / "test_mlp.py"
IMPORT = "from sklearn.neural_network import MLPClassifier, MLPRegressor"

if not SOURCE.exists():
    pytest.skip("scikit-learn is installed without its tests", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore")  # as they are run where they come from


@pytest.fixture
def global_random_seed():
    return 42


text = SOURCE.read_text()
assert text.count(IMPORT) == 1
exec(compile(text.replace(IMPORT, "from fastbp import MLPClassifier, MLPRegressor"), str(SOURCE), "exec"))

del test_gradient  # noqa: F821  # it calls scikit-learn's private gradient, with private buffers
