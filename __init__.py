"""touchline: asynchronous Trainer/Player reinforcement learning."""
