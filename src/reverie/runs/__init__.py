"""The run folder: configuration, metrics, checkpoints, and what is read from them."""
