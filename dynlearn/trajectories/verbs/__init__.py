"""The verbs of `ds.dyn`, one file each, and the primitive behind them."""
