"""Settings files for `alexnet train`: TOML or JSON, or the run.json of a run."""

import json
import sys
from pathlib import Path
from typing import Any

from alexnet.backends.compute import Compute
from alexnet.config.hyperparameters import Recipe
from alexnet.errors import UserError
from alexnet.settings import check_names, fields

RECIPE_FIELDS = tuple(field.name for field in fields(Recipe) if field.name != "name")
COMPUTE_FIELDS = tuple(field.name for field in fields(Compute) if field.name != "batch_size")
_OTHER_OPTIONS = (
    *("data", "variant", "recipe", "architecture"),
    *("output_dir", "tensorboard", "offline"),
)


def read_config(path: Path) -> dict[str, Any]:
    """Read the options in a file, by their command-line names with `_` for `-`.

    `architecture` is a table of changes to the variant. The run.json of a run provides its
    architecture, recipe, dataset and precision.

    Raises:
        UserError: no such file, not TOML or JSON, or an unknown setting.
    """
    options = _parse(path)
    if "format" in options:
        options = _of_run(options)
    known = (*_OTHER_OPTIONS, *COMPUTE_FIELDS, *RECIPE_FIELDS)
    check_names(options, known, f"setting in {path}:")
    return options


def _parse(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        text = path.read_text("utf-8")
        parsed = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise UserError(f"{path} is not {kind}: {error}") from error
    if not isinstance(parsed, dict):
        raise UserError(f"{path}: expected settings by name, got a {type(parsed).__name__}")
    return parsed


def _of_run(config: dict[str, Any]) -> dict[str, Any]:
    network, recipe = dict(config["architecture"]), dict(config["recipe"])
    variant, name = network.pop("variant"), recipe.pop("name")
    network.pop("num_classes")
    return {
        **recipe,
        "recipe": name,
        "variant": variant,
        "architecture": network,
        "data": config["data"]["source"],
        "precision": config["compute"]["precision"],
    }
