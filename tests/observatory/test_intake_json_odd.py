"""JSON of any shape is answered as OTLP specifies."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.observatory.observatory_process import Observatory
from tests.observatory.otlp_client import JSON, post

names = st.sampled_from(
    ["resourceSpans", "scopeSpans", "spans", "resource", "attributes", "traceId", "name", "value"]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=20,
)


@given(anything)
@settings(max_examples=30)
def test_whatever_it_is_the_answer_is_otlp_s(observatory: Observatory, value: Any) -> None:
    assert post(observatory, "traces", json.dumps(value).encode(), JSON).code in {200, 400}
