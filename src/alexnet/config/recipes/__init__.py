"""The recipes, one per module, each with its source, command and measured accuracy."""
