"""From a dataset to padded batches with masks on the device."""
