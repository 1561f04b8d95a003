"""Every setting: hyperparameters, named recipes and preprocessing, as frozen dataclasses."""
