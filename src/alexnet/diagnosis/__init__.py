"""Diagnose a training from its learning curves, and suggest what to try next."""
