"""A hook of OpenFeature: emits each evaluation of a flag as the event of the semantic conventions.

https://opentelemetry.io/docs/specs/semconv/feature-flags/feature-flags-events/. The hook of
OpenFeature's contrib package emits a span event with the user's key and an attribute of an earlier
version of the conventions; this one emits a log record, and no key.
"""

import logging
import time
from typing import Any

from openfeature.flag_evaluation import FlagEvaluationDetails, FlagValueType, Reason
from openfeature.hook import Hook, HookContext, HookHints
from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.semconv._incubating.attributes import feature_flag_attributes as names
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE

from app.telemetry import vocabulary as v

log = logging.getLogger(__name__)


class FlagEvaluations(Hook):
    """Emits `feature_flag.evaluation` in the context of the current span."""

    def __init__(self, logger: Logger) -> None:
        self._logger = logger

    def finally_after(
        self,
        hook_context: HookContext,
        details: FlagEvaluationDetails[FlagValueType],
        hints: HookHints,  # noqa: ARG002 - the signature of OpenFeature
    ) -> None:
        try:
            self._logger.emit(
                timestamp=time.time_ns(),
                severity_number=SeverityNumber.INFO,
                severity_text=SeverityNumber.INFO.name,
                body=v.FLAG_EVALUATED.meaning,
                event_name=str(v.FLAG_EVALUATED),
                attributes=_attributes(hook_context, details),
            )
        except Exception:
            log.exception("telemetry of a flag failed")


def _attributes(
    context: HookContext, details: FlagEvaluationDetails[FlagValueType]
) -> dict[str, Any]:
    provider = context.provider_metadata
    found = {
        names.FEATURE_FLAG_KEY: details.flag_key,
        names.FEATURE_FLAG_RESULT_VARIANT: details.variant,
        names.FEATURE_FLAG_RESULT_VALUE: None if details.variant else details.value,
        names.FEATURE_FLAG_RESULT_REASON: str(details.reason or Reason.UNKNOWN).lower(),
        names.FEATURE_FLAG_VERSION: details.flag_metadata.get("version"),
        names.FEATURE_FLAG_PROVIDER_NAME: provider.name if provider else None,
    }
    if details.reason == Reason.ERROR:
        found[ERROR_TYPE] = str(details.error_code or "general").lower()
    return {name: value for name, value in found.items() if value is not None}
