"""dynlearn pretrain: weights for zero-shot forecasts, from a corpus of chaotic and cyclic systems."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dynlearn.cli.shared import options as o

if TYPE_CHECKING:
    import xarray as xr


def pretrain(
    family: Annotated[str, typer.Argument(help="ALRNNMixture or PatchTransformer.", show_default=False)],
    output: o.Fitted,
    corpus: Annotated[
        Path, typer.Option("--corpus", help="Folder of the corpus; made there if it is not yet.")
    ] = Path("corpus"),
    draws: Annotated[int, typer.Option("--draws", help="Of each system's parameters.", min=1)] = 8,
    steps: Annotated[
        int | None, typer.Option("--steps", help="Of the optimiser; default the family's.", min=1)
    ] = None,
    key: o.Key = 0,
    checkpoint: o.Checkpoint = None,
) -> None:
    """Train a zero-shot model on many systems; needs the extra `corpus` where there is no corpus yet."""
    from dynlearn.cli.shared import console, files

    files.check_target("--output", output, ())
    files.check_target("--checkpoint", checkpoint, ())
    with console.working("importing JAX"):
        import dynlearn as dl
        from dynlearn.errors import check_known
        from dynlearn.fitting.pretraining import RECIPES

        check_known("family", [family], RECIPES)
    training, validation = (_part(corpus, part, draws, key) for part in ("training", "validation"))
    result = dl.fitting.pretrain(family, training, validation, steps=steps, key=key, checkpoint=checkpoint)
    dl.save(result.model, output)
    console.out().print(result)
    console.written(output)


def _part(folder: Path, part: str, draws: int, key: int) -> "xr.Dataset":
    """Read, or made and written."""
    from dynlearn.cli.shared import console
    from dynlearn.datasets import corpus
    from dynlearn.trajectories.files.read_write import read, write

    path = folder / f"{part}-{draws}-{key}.nc"
    if not path.exists():
        with console.working(f"integrating the {part} systems"):
            made = corpus(part, draws=draws, key=key)
        folder.mkdir(parents=True, exist_ok=True)
        write(made, path)
    return read(path)
