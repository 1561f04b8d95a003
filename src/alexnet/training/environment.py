"""The machine and the libraries of a training, and where a resumed run computes."""

import platform
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from alexnet import __version__, backends
from alexnet.backends import TORCH, Compute
from alexnet.run import Environment, Run


def describe_environment(backend: str) -> Environment:
    """Describe this machine and the versions of the libraries that compute."""
    return Environment(
        threads=backends.threads(backend),
        platform=platform.platform(),
        processor=platform.processor(),
        python=platform.python_version(),
        versions={
            "alexnet": __version__,
            **{name: _version(name) for name in ("numpy", *backends.libraries(backend))},
        },
    )


def resumed_compute(run: Run, changes: Mapping[str, Any]) -> Compute:
    """Return a run's compute settings with changes; another backend selects its own device."""
    backend = changes.get("backend") or run.backend
    defaults = {} if backend == run.backend else {"device": "auto", "compile": False}
    return replace(run.compute, **{**defaults, **changes, "backend": backend})


def moved_run(run: Run, compute: Compute) -> Run:
    """The run with these compute settings and this machine recorded in its folder."""
    earlier = run.environment.earlier_backends
    if compute.backend != run.backend:
        earlier = (*earlier, run.backend)
    now = describe_environment(compute.backend or TORCH)
    moved = replace(run, compute=compute, environment=replace(now, earlier_backends=earlier))
    moved.save()
    return moved


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
