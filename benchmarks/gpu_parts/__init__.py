"""The parts of `gpu.py`. Only `project` imports the package that is measured."""
