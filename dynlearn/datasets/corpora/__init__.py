"""Many systems in one dataset: what zero-shot models are trained on."""
