"""Vector fields, diffusions, maps and drifts: learned in scaled units, or given by the user in physical ones.

Each is called as `field(time, x, u, s, scaling)` with the scaled state, control and static features
of one run. Fields return what the scaled state does per unit of physical time, maps the next state.
"""
