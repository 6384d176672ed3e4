"""statsforecast: seasonal models chosen automatically, fitted to each window."""

import warnings

import numpy as np
from _serve import serve
from statsforecast.models import MSTL, AutoARIMA, AutoETS

warnings.simplefilter("ignore")


def answer(windows, ahead, season):
    models = {model.__name__: model for model in (AutoARIMA, AutoETS, MSTL)}
    found: dict[str, object] = {"models": list(models)}
    for name, model in models.items():
        each = [model(season_length=int(season)).forecast(y=y, h=int(ahead), level=[90]) for y in windows]
        for kind, key in {"mean": "mean", "low": "lo-90", "high": "hi-90"}.items():
            found[f"{name}_{kind}"] = np.stack([one[key] for one in each])
    return found


if __name__ == "__main__":
    serve("statsforecast", answer)
