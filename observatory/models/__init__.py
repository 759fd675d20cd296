"""The models that serve: versions, drift, shadow, changes; and the service's registry."""
