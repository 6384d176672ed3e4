"""The contract: what every model promises, and the markers of special structure. It knows no family."""
