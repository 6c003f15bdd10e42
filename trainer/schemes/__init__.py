"""The ways of training, each as rounds of tasks."""
