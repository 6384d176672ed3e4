"""Methods that maximise the likelihood of whole runs."""
