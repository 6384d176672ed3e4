"""Files changed at random: refused in one sentence, never a raw error, and never other numbers without a word."""

import random
import shutil
from contextlib import suppress

import equinox as eqx
import jax
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import DynlearnError, FileFormatError
from dynlearn.fitting import EM
from tests.disk.tampering import flipped, mutated
from tests.models.cases import CASES

FAMILIES = (
    "node",
    "sde linear hold",
    "koopman learned",
    "state space feed-through",
    "switching",
    "ensemble node",
)
COUNTS = [10, pytest.param(84, marks=pytest.mark.slow)]
"""Changes per family: 60 in all, and 500."""


@pytest.fixture(scope="module")
def model_files(linear, make_linear, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name in FAMILIES:
        kind, build = CASES[name]
        dl.save(build(linear if kind == "zero" else make_linear(hold="linear")), folder / name)
    return folder


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("count", COUNTS)
def test_changed_models_under_a_right_digest(family, count, model_files, linear, tmp_path):
    """Refused, or a model of that family that forecasts or says why it cannot."""
    original, refused = dl.load(model_files / family), list[str]()
    for seed in range(count):
        kind = mutated(model_files / family, tmp_path / "m", random.Random(seed))
        try:
            model = dl.load(tmp_path / "m")
        except FileFormatError as error:
            refused.append(f"{kind}: {error}")
            continue
        assert type(model) is type(original)
        if count > 10 and seed % 10 == 0:
            with suppress(DynlearnError):
                dl.forecast(model, linear.isel(time=slice(0, 20)), horizon=2, controls=np.zeros((3, 1)))
    assert len(refused) > count // 2
    assert max(map(len, refused)) < 1000


@pytest.mark.parametrize("count", [30, pytest.param(500, marks=pytest.mark.slow)])
def test_a_flipped_bit_in_a_model_is_noticed(count, model_files, tmp_path):
    for seed in range(count):
        flipped(model_files / "node", tmp_path / "m", random.Random(seed))
        with pytest.raises(FileFormatError):
            dl.load(tmp_path / "m")


@pytest.mark.parametrize("count", [30, pytest.param(300, marks=pytest.mark.slow)])
def test_changed_checkpoints(count, linear, tmp_path):
    """A flipped bit is noticed; other numbers under a digest made anew cannot be, but they end in a model of that
    kind, and anything else in words that say what is wrong."""
    path, changed = tmp_path / "ck", tmp_path / "changed"
    model = dl.models.LinearStateSpace.from_data(linear, states=2, memory=4)

    def fit(at):
        return dl.fit(
            model, linear, method=EM(steps=3), checkpoint=at, progress=False, calibration_horizon=2
        ).model

    wanted, refused = fit(path), 0
    for seed in range(count):
        rng = random.Random(seed)
        flipped(path, changed, rng)
        with pytest.raises(FileFormatError):
            fit(changed)
        kind = mutated(path, changed, rng)
        try:
            found = fit(changed)
        except DynlearnError:
            refused += 1
        else:
            assert jax.tree.structure(found) == jax.tree.structure(wanted), kind
    assert refused > count // 2


def stores(ds, folder):
    dl.write(ds, folder / "a.nc")
    dl.write(ds, folder / "a.zarr")


@pytest.mark.parametrize("count", [30, pytest.param(300, marks=pytest.mark.slow)])
def test_a_flipped_bit_in_a_netcdf_file_is_noticed(count, linear, tmp_path):
    """Wherever it is: other numbers never come back. In the seal itself it leaves a file of somebody else's."""
    dl.write(linear, tmp_path / "a.nc")
    refused = list[str]()
    for seed in range(count):
        flipped(tmp_path / "a.nc", tmp_path / "b.nc", random.Random(seed))
        try:
            assert dl.read(tmp_path / "b.nc").identical(linear)
        except FileFormatError as error:
            refused.append(str(error))
    assert len(refused) > 0.9 * count
    assert all("expected the bytes that were written, got others" in text for text in refused)


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_changed_files_of_a_store_are_named(count, linear, tmp_path):
    store = tmp_path / "a.zarr"
    dl.write(linear, store)
    files = sorted(p.relative_to(store).as_posix() for p in store.rglob("*") if p.is_file())
    for seed in range(count):
        rng = random.Random(seed)
        name = rng.choice(files)
        shutil.copytree(store, tmp_path / "b.zarr")
        damaged = tmp_path / "b.zarr" / name
        if rng.random() < 0.5 and not name.endswith("sha256"):
            damaged.unlink()
            text = f"{name} is missing"
        else:
            flipped(damaged, damaged, rng)
            text = f"{name} is not as it was written"
        with pytest.raises(FileFormatError, match="is |was " if name.endswith("sha256") else text):
            dl.read(tmp_path / "b.zarr")
        shutil.rmtree(tmp_path / "b.zarr")


def test_a_missing_chunk_is_noticed_lazily_too(linear, tmp_path):
    dl.write(linear, tmp_path / "a.zarr")
    (tmp_path / "a.zarr" / "output" / "c" / "0" / "0" / "0").unlink()
    for lazy in (False, True):
        with pytest.raises(FileFormatError, match=r"output/c/0/0/0 is missing; copy the whole folder again"):
            dl.read(tmp_path / "a.zarr", lazy=lazy)


def test_files_of_others_load_and_what_others_change_loads(linear, tmp_path):
    import netCDF4

    linear.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    linear.to_zarr(tmp_path / "a.zarr", consolidated=False)
    assert all(dl.read(tmp_path / f"a.{kind}").identical(linear) for kind in ("nc", "zarr"))
    dl.write(linear, tmp_path / "b.nc")
    with netCDF4.Dataset(tmp_path / "b.nc", "a") as file:
        file.title = "changed on purpose"
    assert dl.read(tmp_path / "b.nc").attrs["title"] == "changed on purpose"


def test_a_file_that_claims_more_than_it_holds(tmp_path):
    import h5netcdf

    with h5netcdf.File(tmp_path / "a.nc", "w") as file:
        file.dimensions = {"time": 400_000_000}
        file.create_variable("output", ("time",), "f8", chunks=(1000,))
    with pytest.raises(FileFormatError, match=r"3.2e\+09 bytes of values in a file of .*lazy=True"):
        dl.read(tmp_path / "a.nc")


def test_a_model_file_that_claims_more_than_it_holds(model_files, tmp_path):
    """A header of 3 GB over a few bytes, and a few bytes that unpack to many."""
    import io
    import zipfile

    from dynlearn.disk.seal import SIZE, sealed
    from tests.disk.tampering import rewritten

    def huge(data: bytes) -> bytes:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, {"descr": "<f4", "fortran_order": False, "shape": (8 * 10**8,)}
        )
        return header.getvalue() + data[-64:]

    rewritten(model_files / "node", tmp_path / "m", {"0.npy": huge})
    with pytest.raises(FileFormatError, match=r"an array of 3200000000 bytes is said to be 64 bytes long"):
        dl.load(tmp_path / "m")
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(model_files / "node") as old,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
        new.writestr("big", bytes(10**7))
        new.comment = b" " * SIZE
    (tmp_path / "m").write_bytes(sealed(packed.getvalue()[:-SIZE]))
    with pytest.raises(FileFormatError, match="its entries are doubled, or larger than the file"):
        dl.load(tmp_path / "m")


@pytest.mark.parametrize("path", ["missing", ".", "", None, 3, "a\0b"])
def test_load_raises_one_kind_of_error(path, tmp_path):
    came = (
        "got a folder; give the path"
        if path in (".", "")
        else "found nothing"
        if isinstance(path, str)
        else "no path"
    )
    with pytest.raises(FileFormatError, match=f"expected a dynlearn model file, (got )?{came}"):
        dl.load(tmp_path / path if path == "missing" else path)


def test_what_is_loaded_is_what_was_saved(model_files):
    for name in FAMILIES:
        dl.save(dl.load(model_files / name), model_files / "again")
        assert eqx.tree_equal(dl.load(model_files / name), dl.load(model_files / "again"))
