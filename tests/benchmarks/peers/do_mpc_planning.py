"""do-mpc: the pendulum in closed loop, planned by IPOPT."""

import warnings
from collections.abc import Callable

import numpy as np
from _pendulum import BOUND, DT, closed_loop
from _serve import serve

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import casadi
    import do_mpc


def answer(starts, steps, look, **others):
    costs, ms = closed_loop(lambda: _pendulum(int(look)), starts, int(steps))
    return {"costs": costs, "ms": ms, "setting": f"horizon {look}, IPOPT with its defaults"}


def _pendulum(look: int) -> Callable[[np.ndarray], float]:
    model = do_mpc.model.Model("discrete")
    angle, rate = (model.set_variable("_x", name) for name in ("angle", "rate"))
    torque = model.set_variable("_u", "torque")
    later = rate + DT * (15.0 * casadi.sin(angle) + 3.0 * torque)
    model.set_rhs("angle", angle + DT * later)
    model.set_rhs("rate", later)
    model.setup()
    mpc = do_mpc.controller.MPC(model)
    mpc.set_param(n_horizon=look, t_step=DT, store_full_solution=False)
    mpc.settings.supress_ipopt_output()
    upright = 2 * (1 - casadi.cos(angle)) + 0.1 * rate**2
    mpc.set_objective(mterm=upright, lterm=upright + 0.001 * torque**2)
    mpc.set_rterm(torque=0.0)
    mpc.bounds["lower", "_u", "torque"] = -BOUND
    mpc.bounds["upper", "_u", "torque"] = BOUND
    mpc.setup()
    started = False

    def act(x: np.ndarray) -> float:
        nonlocal started
        if not started:
            mpc.x0 = x
            mpc.set_initial_guess()
            started = True
        return float(mpc.make_step(x[:, None])[0, 0])

    return act


if __name__ == "__main__":
    serve("do_mpc", answer)
