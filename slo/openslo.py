"""OpenSLO v1 (https://github.com/OpenSLO/OpenSLO), as far as objectives.yaml uses it.

Reading a file validates it: fields that OpenSLO does not have, or that are not implemented here,
are errors. The models follow the specification, whose own JSON schema was replaced by a Go library.
Durations are a number and m, h or d; other units of the specification are refused.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

Duration = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*[mhd]$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Description = Annotated[str, StringConstraints(min_length=1, max_length=1050)]
Key = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9-]+(\.[a-z0-9-]+)*/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$"
    ),
]


class InvalidDeclaration(Exception):
    """A file is invalid; the message says where, and what is wrong."""


class Strict(BaseModel):
    """Immutable; unknown fields are errors."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=False
    )


class Metadata(Strict):
    name: Name
    display_name: str = ""
    labels: dict[Key, str | list[str]] = {}
    annotations: dict[Key, str] = {}


class Query(Strict):
    query: str


class MetricSource(Strict):
    type: Literal["Prometheus"]
    spec: Query


class Metric(Strict):
    metric_source: MetricSource


class RatioMetric(Strict):
    """Counters: either `bad` or `good`, and `total`."""

    counter: Literal[True]
    good: Metric | None = None
    bad: Metric | None = None
    total: Metric

    @model_validator(mode="after")
    def _either(self) -> "RatioMetric":
        if (self.good is None) == (self.bad is None):
            raise ValueError("give either good or bad")
        return self


class IndicatorSpec(Strict):
    ratio_metric: RatioMetric


class Indicator(Strict):
    metadata: Metadata
    spec: IndicatorSpec


class TimeWindow(Strict):
    duration: Duration
    is_rolling: Literal[True]


class Objective(Strict):
    display_name: str = ""
    target: Annotated[float, Field(ge=0, lt=1)]


class AlertPolicyRef(Strict):
    alert_policy_ref: Name


class SLOSpec(Strict):
    description: Description
    service: Name
    indicator: Indicator
    time_window: Annotated[list[TimeWindow], Field(min_length=1, max_length=1)]
    budgeting_method: Literal["Occurrences"]
    objectives: Annotated[list[Objective], Field(min_length=1, max_length=1)]
    alert_policies: list[AlertPolicyRef]


class Condition(Strict):
    """Alert while the budget burns `threshold` times as fast as allowed over the window."""

    kind: Literal["burnrate"]
    op: Literal["gt"]
    threshold: Annotated[float, Field(gt=0)]
    lookback_window: Duration
    alert_after: Duration


class AlertConditionSpec(Strict):
    description: Description | None = None
    severity: Literal["critical", "warning"]
    condition: Condition


class AlertCondition(Strict):
    kind: Literal["AlertCondition"]
    metadata: Metadata
    spec: AlertConditionSpec


class NotificationTargetRef(Strict):
    target_ref: Name


class AlertPolicySpec(Strict):
    description: Description | None = None
    alert_when_no_data: Literal[False]
    alert_when_resolved: Literal[True]
    alert_when_breaching: Literal[True]
    conditions: Annotated[list[AlertCondition], Field(min_length=1, max_length=1)]
    notification_targets: Annotated[list[NotificationTargetRef], Field(min_length=1, max_length=1)]


class NotificationTargetSpec(Strict):
    target: str
    description: Description | None = None


class ServiceSpec(Strict):
    description: Description | None = None


class Service(Strict):
    api_version: Literal["openslo/v1"]
    kind: Literal["Service"]
    metadata: Metadata
    spec: ServiceSpec


class SLO(Strict):
    api_version: Literal["openslo/v1"]
    kind: Literal["SLO"]
    metadata: Metadata
    spec: SLOSpec


class AlertPolicy(Strict):
    api_version: Literal["openslo/v1"]
    kind: Literal["AlertPolicy"]
    metadata: Metadata
    spec: AlertPolicySpec


class AlertNotificationTarget(Strict):
    api_version: Literal["openslo/v1"]
    kind: Literal["AlertNotificationTarget"]
    metadata: Metadata
    spec: NotificationTargetSpec


Document = Annotated[
    Service | SLO | AlertPolicy | AlertNotificationTarget, Field(discriminator="kind")
]
_ADAPTER: TypeAdapter[Document] = TypeAdapter(Document)


def read(path: Path) -> list[Document]:
    """The documents of a YAML file. Raises InvalidDeclaration."""
    documents = []
    for number, each in enumerate(parsed(path), start=1):
        try:
            documents.append(_ADAPTER.validate_python(each))
        except ValidationError as error:
            raise InvalidDeclaration(explained(error, f"{path.name}, document {number}")) from error
    return documents


def parsed(path: Path) -> list[Any]:
    """The documents of a YAML file, not validated. Raises InvalidDeclaration."""
    try:
        return list(yaml.safe_load_all(path.read_text("utf-8")))
    except OSError as error:
        raise InvalidDeclaration(f"{path.name} can't be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidDeclaration(f"{path.name} is not YAML: {error}") from error


def explained(error: ValidationError, where: str) -> str:
    """One line for each error: where it is, and what is wrong."""
    return "\n".join(
        f"{where}: {'.'.join(map(str, each['loc'])) or 'the document'}: {each['msg']}"
        for each in error.errors(include_url=False)
    )
