"""Putting Trainer and Players together: in one process, or in several on this machine."""
