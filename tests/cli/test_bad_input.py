"""What the user reads when something is wrong: one line, exit code 2, no traceback."""

import pytest

import dynlearn as dl

DATA, MODEL, FREE = "{folder}/runs.nc", "{folder}/arx.dyn", "{folder}/free.dyn"
FIT = ["fit", DATA, "-o", "{tmp}/m.dyn", "--context", "10", "--horizon", "5"]
CONTROL = ["control", MODEL, "--env", "Pendulum-v1"]

BAD = {
    "dataset": (["datasets", "lazer"], "unknown dataset 'lazer'; did you mean 'laser'"),
    "kind": (["datasets", "--kind", "mesured"], "did you mean 'measured'"),
    "export nothing": (
        ["datasets", "--export", "{tmp}/a.nc"],
        "--export: expected with the name of a dataset",
    ),
    "export suffix": (["datasets", "laser", "--export", "{tmp}/a.txt"], "--export: unknown suffix '.txt'"),
    "system option": (["datasets", "linear", "--set", "run=2"], "did you mean 'runs'"),
    "no file": (
        ["fit", "{tmp}/no.nc", "-o", "{tmp}/m.dyn"],
        "no.nc: expected a .nc file, found nothing there; check the name",
    ),
    "no dataset": (["fit", "lasr", "-o", "{tmp}/m.dyn"], "did you mean 'laser'"),
    "csv columns": (
        ["fit", "{folder}/runs.csv", "-o", "{tmp}/m.dyn"],
        "its columns are 'trajectory', 't', 'position_1'",
    ),
    "csv column": (
        ["fit", "{folder}/runs.csv", "-o", "{tmp}/m.dyn", "--time", "t", "--outputs", "position1"],
        "outputs: unknown column 'position1'; did you mean 'position_1'",
    ),
    "csv rows": (
        ["fit", "{folder}/wide.csv", "-o", "{tmp}/m.dyn", "--time", "t", "--outputs", "y"],
        "wide.csv, line 2: expected 2 values",
    ),
    "csv separators": (
        ["fit", "{folder}/two.csv", "-o", "{tmp}/m.dyn", "--time", "t", "--outputs", "y"],
        "--sep on the command line",
    ),
    "csv columns by another separator": (
        ["fit", "{folder}/two.csv", "-o", "{tmp}/m.dyn", "--sep", ";"],
        "its columns are 't', 'y,z'",
    ),
    "csv decimal": (
        ["fit", "{folder}/runs.csv", "-o", "{tmp}/m.dyn", "--time", "t", "--outputs", "y", "--decimal", "x"],
        "decimal: expected '.' or ','",
    ),
    "csv options": ([*FIT, "--time", "t"], "time: expected only with a .csv file"),
    "csv options of a name": (
        ["fit", "laser", "-o", "{tmp}/m.dyn", "--unit", "y=m"],
        "--unit: expected with a .csv file",
    ),
    "model": ([*FIT, "--model", "NeuralOde"], "unknown model 'NeuralOde'; did you mean 'NeuralODE'"),
    "setting": ([*FIT, "--set", "widht=3"], "unknown setting of NeuralODE 'widht'; did you mean 'width'"),
    "setting without value": ([*FIT, "--set", "width"], "--set: expected NAME=VALUE, got 'width'"),
    "setting twice": ([*FIT, "--set", "width=3", "--set", "width=4"], "expected 'width' once"),
    "setting of a wrong kind": ([*FIT, "--set", "width=wide"], "width: expected an integer >= 1, got 'wide'"),
    "part": ([*FIT, "--set", "solver=rk5"], "unknown solver 'rk5'; did you mean 'rk4'"),
    "part alone": ([*FIT, "--set", "solver.substeps=2"], "expected solver=NAME beside it"),
    "part of a value": ([*FIT, "--set", "width=2", "--set", "width.a=2"], "'width', which has none"),
    "setting of a part": (
        [*FIT, "--model", "Koopman", "--set", "lifting=fourier", "--set", "lifting.cout=2"],
        "unknown setting of lifting=fourier 'cout'; did you mean 'count'",
    ),
    "method": ([*FIT, "--method", "gradiant"], "unknown method 'gradiant'; did you mean 'gradient'"),
    "steps of a closed form": (
        [*FIT, "--model", "ARX", "--set", "delays=1", "--steps", 5],
        "unknown setting of LeastSquares 'steps'",
    ),
    "split": ([*FIT, "--split", "0.7"], "--split: expected two fractions"),
    "split of text": ([*FIT, "--split", "a,b"], "--split: expected a number, got 'a'"),
    "split without rest": ([*FIT, "--split", "0.8,0.2"], "--split: expected a rest to score on"),
    "split by": ([*FIT, "--split-by", "runs"], "unknown value of by 'runs'"),
    "split too short": ([*FIT, "--context", 100], "the longest run to score on has 18 samples"),
    "context of the model": (
        [*FIT, "--model", "Koopman"],
        "--context: this model infers its state from 11 samples, got 10",
    ),
    "target folder": (
        ["fit", DATA, "-o", "{tmp}/no/m.dyn"],
        "--output: expected a file in an existing folder",
    ),
    "report suffix": ([*FIT, "--report", "{tmp}/a.htm"], "did you mean '.html'"),
    "broken model": (["evaluate", "{folder}/broken.dyn", DATA], "broken.dyn"),
    "no model": (["evaluate", "{tmp}/no.dyn", DATA], "no.dyn"),
    "model of other data": (
        ["evaluate", FREE, DATA, "--context", 10, "--horizon", 5],
        "the model has ['y'], the data ['position_1']",
    ),
    "names twice": (["compare", MODEL, MODEL, DATA], "the name 'arx' comes twice; choose another: NAME="),
    "name of a baseline": (["compare", f"ARX={MODEL}", DATA], "the name 'ARX' is a baseline's"),
    "output of scores": (["evaluate", MODEL, DATA, "-o", "{tmp}/a.zarr"], "--output: unknown suffix '.zarr'"),
    "horizon": (["forecast", MODEL, DATA], "--horizon: expected a number of steps"),
    "context": (["forecast", MODEL, DATA, "--context", 1000], "--context: the longest run has 120 samples"),
    "controls": (["forecast", MODEL, DATA, "--horizon", 5], "the model is driven by ['force']"),
    "horizon past the controls": (
        ["forecast", MODEL, DATA, "--context", 110, "--horizon", 50],
        "the controls 10",
    ),
    "future of a free model": (
        ["forecast", FREE, "{folder}/alone.nc", "--horizon", 5, "--future", DATA],
        "this model has no controls",
    ),
    "run": (["forecast", MODEL, DATA, "--context", 50, "--run", "7"], "unknown run '7'"),
    "plot suffix": (
        ["forecast", MODEL, DATA, "--context", 50, "--plot", "{tmp}/a.bmp"],
        "unknown suffix '.bmp'",
    ),
    "no weight": (CONTROL, "--weight: expected at least one"),
    "weight": ([*CONTROL, "--weight", "position_2=1"], "did you mean 'position_1'"),
    "weight of text": ([*CONTROL, "--weight", "position_1=big"], "--weight position_1: expected a number"),
    "control weight": (
        [*CONTROL, "--weight", "position_1=1", "--control-weight", "forse=1"],
        "unknown control in --control-weight 'forse'; did you mean 'force'",
    ),
    "environment": (
        ["control", MODEL, "--env", "Pendulun-v1", "--weight", "position_1=1"],
        "Did you mean: `Pendulum`",
    ),
    "discrete actions": (
        ["control", MODEL, "--env", "CartPole-v1", "--weight", "position_1=1"],
        "env.action_space: expected a Box of floats, got Discrete(2)",
    ),
    "interval": (
        [*CONTROL, "--weight", "position_1=1"],
        "the model's interval is 0.1, the environment's step 0.05",
    ),
    "sizes of the environment": (
        [*CONTROL, "--weight", "position_1=1", "--interval", 0.1],
        "expected 1 observations ['position_1'], as the controller's model has, got 3",
    ),
    "demo folder": (["demo", "--out", "{folder}/arx.dyn"], "--out: expected a folder, got the file"),
}


@pytest.mark.parametrize("case", BAD)
def test_error_text_and_exit_code(call, folder, tmp_path, case):
    arguments, expected = BAD[case]
    result = call(*(str(a).format(folder=folder, tmp=tmp_path) for a in arguments), code=2)
    assert expected in result.stderr
    assert result.stderr.startswith("error: ") or "\nerror: " in result.stderr
    assert result.stderr.strip().count("\n") <= 1, (
        "an error is one line, after at most one finished progress bar"
    )
    assert "Traceback" not in result.output


USAGE = {
    "command": (["fitt"], "Did you mean 'fit'"),
    "option": (["fit", "laser", "--outpt", "a"], "--output"),
    "missing option": (["fit", "laser"], "Missing option '--output'"),
    "number": (["evaluate", "a", "b", "--horizon", "x"], "Invalid value for '--horizon'"),
    "range": (["evaluate", "a", "b", "--horizon", "0"], "Invalid value for '--horizon'"),
}


@pytest.mark.parametrize("case", USAGE)
def test_usage_errors_name_what_is_near(call, case):
    arguments, expected = USAGE[case]
    assert expected in call(*arguments, code=2).output


@pytest.mark.parametrize("where", [0, 1, 2])
def test_debug_shows_the_error_itself(where):
    from typer.testing import CliRunner

    from dynlearn.cli import app

    arguments = ["datasets", "lazer"]
    arguments.insert(where, "--debug")
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, dl.errors.DynlearnError)
