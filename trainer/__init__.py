"""The Trainer: admit, account, advantage, gradient, optimiser, publish, checkpoint, metrics."""
