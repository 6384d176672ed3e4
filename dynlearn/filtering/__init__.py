"""Methods of inference in state-space models. They know processes, not models."""
