"""SigNoz: its Collector's configuration, and the objects that provision.py creates in it."""
