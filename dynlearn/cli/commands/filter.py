"""dynlearn filter: states from the past alone."""

from dynlearn.cli.shared import options as o


def filter(
    model: o.Model,
    data: o.Data,
    output: o.Series = None,
    plot: o.Plot = None,
    run: o.Run = None,
    method: o.Inference = None,
    method_settings: o.InferenceSettings = None,
    key: o.Key = 0,
    time: o.Time = None,
    dt: o.Dt = None,
    outputs: o.Outputs = None,
    controls: o.Controls = None,
    trajectory: o.Trajectory = None,
    units: o.Units = None,
    sep: o.Sep = None,
    decimal: o.Decimal = None,
    regularize: o.Regularize = False,
) -> None:
    """The states and outputs of every run, from the past alone: one-step forecasts, and what each sample taught."""
    from dynlearn.cli.shared.data import Table
    from dynlearn.cli.shared.inferred import everywhere, infer

    columns = Table(time, dt, outputs, controls, trajectory, units, sep, decimal, regularize)
    infer("filter", model, data, columns, run, method, method_settings, output, plot, everywhere, key)
