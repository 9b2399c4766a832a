"""The scripts of this folder are run by tests/test_keras_scripts.py: pytest must not import them, since they need Keras."""

collect_ignore_glob = ["*.py"]
