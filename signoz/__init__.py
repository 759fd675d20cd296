"""What SigNoz is given: its Collector, and what is set up in it without a click."""
