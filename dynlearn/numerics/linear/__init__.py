"""Linear systems with noise: triangular factors, exact discretisation, recurrences, conditional laws."""
