"""The run whose answers are known, and its images."""

from ..run_fixtures import images, make_run, run

__all__ = ["images", "make_run", "run"]
