"""Ways of fitting, one file each."""
