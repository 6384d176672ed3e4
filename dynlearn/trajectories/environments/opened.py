"""From whatever was passed as an environment to one, or to the sentence that says what it is instead."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dynlearn.errors import ArgumentError, MissingExtraError
from dynlearn.trajectories.message import refusal

if TYPE_CHECKING:
    import gymnasium


OFFLINE = {"rewards": "reward", "terminals": "terminated", "timeouts": "truncated"}
"""Arrays of offline data sets, and what `from_arrays` calls them."""


@contextmanager
def opened(env: Any) -> Iterator["gymnasium.Env"]:
    """`env` as it came, or made from its registered id and closed at the end.

    Raises:
        ArgumentError: what is no single Gymnasium environment.
        MissingExtraError: the environment of that id needs a library that is not installed.
    """
    import gymnasium

    if isinstance(env, str):
        made = _made(env)
        try:
            yield made
        finally:
            made.close()
        return
    if not isinstance(env, gymnasium.Env):
        raise ArgumentError(_what_it_is(env))
    yield env


def _made(name: str) -> "gymnasium.Env":
    import gymnasium

    try:
        return gymnasium.make(name)
    except (gymnasium.error.DependencyNotInstalled, ImportError) as error:
        raise MissingExtraError(
            f"env: {name} needs a library that is not installed ({error}); for MuJoCo run "
            f"pip install 'dynlearn[envs]'."
        ) from error
    except gymnasium.error.Error as error:
        remedy = "pass a registered id (gymnasium.pprint_registry() lists them) or an environment"
        raise ArgumentError(
            refusal("env", "an environment or its id", f"{name!r} ({error})", remedy)
        ) from error


def _what_it_is(env: Any) -> str:
    """What came instead of an environment, told by what it can do, and the door that takes it."""
    expected, came = "one Gymnasium environment or its registered id", f"{type(env).__name__}"
    if isinstance(env, type):
        return refusal("env", expected, f"the class {env.__name__}", f"make one: {env.__name__}()")
    if hasattr(env, "num_envs"):
        came += f", a vector of {env.num_envs} environments"
        remedy = "pass one of them, e.g. gymnasium.make(id), and say how many runs with episodes="
        return refusal("env", expected, came, remedy)
    if hasattr(env, "action_spec") and hasattr(env, "observation_spec"):
        came += ", an environment of dm_control"
        remedy = (
            "turn it into one, e.g. with shimmy: gymnasium.wrappers.FlattenObservation("
            "shimmy.DmControlCompatibilityV0(env)), and pass dt=env.control_timestep()"
        )
        return refusal("env", expected, came, remedy)
    if hasattr(env, "iterate_episodes"):
        remedy = (
            "take runs = list(data.iterate_episodes()), then dl.from_arrays([e.observations for e in runs], "
            "[numpy.concatenate([e.actions, numpy.nan * e.actions[:1]]) for e in runs], dt=...)"
        )
        return refusal("env", expected, f"{came}, recorded episodes", remedy)
    if isinstance(env, Mapping) and "observations" in env:
        came = f"a table of recorded arrays {sorted(map(str, env))}"
        given = ["data['observations']"] + ["data['actions']"] * ("actions" in env) + ["dt=..."]
        given += [f"{name}=data[{key!r}]" for key, name in OFFLINE.items() if key in env]
        remedy = f"recorded data enter through dl.from_arrays({', '.join(given)})"
        return refusal("env", expected, came, remedy)
    if hasattr(env, "step") and hasattr(env, "reset"):
        remedy = (
            "make its class a gymnasium.Env: reset(seed=, options=) -> (observation, info), step(action) -> "
            "(observation, reward, terminated, truncated, info)"
        )
        return refusal("env", expected, f"{came}, which is none of its subclasses", remedy)
    return refusal("env", expected, f"{env!r:.80}", "pass an instance, e.g. MyEnv()")
