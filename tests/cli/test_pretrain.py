"""dynlearn pretrain: a corpus that is there is used, the weights come out as a file that forecasts."""

import numpy as np
import pytest

import dynlearn as dl


@pytest.mark.slow
def test_weights_are_trained_from_the_corpus_of_a_folder(call, tmp_path):
    for part, key in (("training", 1), ("validation", 2)):
        made = dl.datasets.corpus(["VanDerPol", "LotkaVolterra"], draws=1, length=300, key=key)
        dl.write(made, tmp_path / f"{part}-1-0.nc")
    out = tmp_path / "weights.dyn"
    call("pretrain", "PatchTransformer", "-o", out, "--corpus", tmp_path, "--draws", 1, "--steps", 2)
    ds = dl.datasets.corpus(["VanDerPol"], draws=1, length=300, key=3)
    found = dl.forecast(dl.load(out), ds, horizon=5, samples=1)["output_mean"]
    assert bool(np.isfinite(found).all())


def test_an_unknown_family_is_refused(call, tmp_path):
    done = call("pretrain", "ALRNN", "-o", tmp_path / "weights.dyn", "--corpus", tmp_path, code=2)
    assert "ALRNNMixture" in done.output
