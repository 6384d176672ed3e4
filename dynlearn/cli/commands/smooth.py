"""dynlearn smooth: states from the whole run."""

from dynlearn.cli.shared import options as o


def smooth(
    model: o.Model,
    data: o.Data,
    output: o.Series = None,
    plot: o.Plot = None,
    run: o.Run = None,
    method: o.Inference = None,
    method_settings: o.InferenceSettings = None,
    samples: o.Draws = 0,
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
    """The states and outputs of every run, given all of it."""
    from dynlearn.cli.shared.data import Table
    from dynlearn.cli.shared.inferred import everywhere, infer

    columns = Table(time, dt, outputs, controls, trajectory, units, sep, decimal, regularize)
    infer(
        "smooth", model, data, columns, run, method, method_settings, output, plot, everywhere, key, samples
    )
