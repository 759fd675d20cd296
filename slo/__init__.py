"""The service's objectives and alerts, and the rules generated from them.

objectives.yaml   the objectives, in OpenSLO v1 form
alerts.yaml       the alerts that belong to no objective
prometheus/       generated rules for Prometheus, with promtool tests

`python -m slo` writes the rules for Prometheus and for SigNoz (signoz/rules).
"""
