"""Neural ODE, neural SDE, neural map: fields and maps learned by networks."""
