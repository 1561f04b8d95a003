"""Pretrained weights: published ones by name, a run's or a file's, and fine-tuning from them."""
