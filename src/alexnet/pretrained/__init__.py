"""Pretrained weights (published, from a run or from a file) and fine-tuning from them."""
