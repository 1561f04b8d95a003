"""The network as data: layers, shapes, architectures, initializers. Imports no framework."""
