"""Ways of fitting, by name."""

from dynlearn.on_use import Table

METHODS = Table(
    {
        "gradient": "dynlearn.fitting.methods.gradient:Gradient",
        "teacher_forcing": "dynlearn.fitting.methods.teacher_forcing:TeacherForcing",
        "least_squares": "dynlearn.fitting.methods.least_squares:LeastSquares",
        "subspace": "dynlearn.fitting.methods.subspace:Subspace",
        "em": "dynlearn.fitting.methods.likelihood.em:EM",
        "maximum_likelihood": "dynlearn.fitting.methods.likelihood.maximum_likelihood:MaximumLikelihood",
        "switching_em": "dynlearn.fitting.methods.likelihood.switching_em:SwitchingEM",
        "spread": "dynlearn.fitting.methods.spread:SpreadByScore",
        "calibration": "dynlearn.fitting.methods.calibration:Calibration",
    }
)
