"""Drills: faults from outside of the service, and whether `diagnose` names them."""
