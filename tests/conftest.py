"""What every test has: a cache of its own."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, so that no test sees another's or the developer's."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ALEXNET_CACHE_DIR", str(folder))
    return folder
