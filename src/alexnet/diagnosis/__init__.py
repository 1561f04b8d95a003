"""What the learning curves of a run show, and what to try next."""
