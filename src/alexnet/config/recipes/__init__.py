"""The recipes, one a file: where it comes from, how to run it, what it reached."""
