"""OTLP's messages with every string read as bytes.

A protobuf parser refuses a whole message for one string that is not UTF-8; a receiver should lose
that string at most. Strings and bytes are the same on the wire, so the published descriptors with
`string` turned into `bytes` read everything; what is stored is made valid in `native.text`. It is
faster too: bytes go to the store as they came.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

_POOL = descriptor_pool.DescriptorPool()
_FIELD = descriptor_pb2.FieldDescriptorProto


def _add(file: Any) -> None:
    """Add a file and what it imports, in the order that needs nothing unseen."""
    try:
        _POOL.FindFileByName(file.name)
        return
    except KeyError:
        pass
    for imported in file.dependencies:
        _add(imported)
    copy = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(copy)
    waiting = list(copy.message_type)
    while waiting:
        message = waiting.pop()
        waiting.extend(message.nested_type)
        for field in message.field:
            if field.type == _FIELD.TYPE_STRING:
                field.type = _FIELD.TYPE_BYTES
    _POOL.Add(copy)


def _twin(original: Any) -> Any:
    _add(original.DESCRIPTOR.file)
    return message_factory.GetMessageClass(
        _POOL.FindMessageTypeByName(original.DESCRIPTOR.full_name)
    )


TracesRequest = _twin(trace_service_pb2.ExportTraceServiceRequest)
LogsRequest = _twin(logs_service_pb2.ExportLogsServiceRequest)
MetricsRequest = _twin(metrics_service_pb2.ExportMetricsServiceRequest)
