"""Faults to practise with: wrappers around the parts of a running service, switched on by HTTP.

Off by default (`VITRINE_FAULTS__ALLOWED`); then nothing is wrapped. A fault ends by itself, is gone
after a restart, and changes no stored data. What was switched on is written to a file (`ledger.py`)
and nowhere else: telemetry must show the effect only, so that it can be diagnosed.

Functions that call a wrapped part set `__tracebackhide__`: their frames are left out of exported
stack traces, as in pytest.
"""
