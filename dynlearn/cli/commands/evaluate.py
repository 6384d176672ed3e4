"""dynlearn evaluate: the scores of one model, beside the baselines."""

from dynlearn.cli.shared import options as o


def evaluate(
    model: o.Model,
    data: o.Data,
    context: o.Context = None,
    horizon: o.Horizon = None,
    train: o.Train = None,
    samples: o.Samples = 200,
    stride: o.Stride = None,
    of: o.Of = None,
    output: o.Scores = None,
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
    """Score a model on data it was not fitted to, with the baselines beside it."""
    from dynlearn.cli.commands.compare import score
    from dynlearn.cli.shared.data import Table

    columns = Table(time, dt, outputs, controls, trajectory, units, sep, decimal, regularize)
    score([str(model)], data, train, columns, context, horizon, samples, stride, of, output, key)
