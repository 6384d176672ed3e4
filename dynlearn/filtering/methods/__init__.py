"""Methods of inference, one file each, and the moments they share."""
