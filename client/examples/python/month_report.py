#!/usr/bin/env python3
"""Prints what each device earned in a month as CSV, with plain grpcio.

Usage: month_report.py YYYY-MM
AQUIFER says where the server is: 127.0.0.1:50051 unless set. Run ./generate first.
"""
import calendar
import csv
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, os.environ.get("AQUIFER_MODULES") or
                str(pathlib.Path(__file__).with_name("generated")))

# pylint: disable=wrong-import-position
import grpc
from aquifer.v1 import collection_pb2, collection_pb2_grpc, common_pb2
from google.rpc import error_details_pb2, status_pb2

DEADLINE_SECONDS = 30
TRIES = 8


def details_of(error):
    """The reason of a failed call, and how long to wait before another try; None where none helps."""
    reason, wait = error.code().name, None
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
            if detail.Unpack(info):
                reason = info.reason
            elif detail.Unpack(retry):
                wait = retry.retry_delay.ToTimedelta().total_seconds()
        return reason, wait
    # Nobody answered: whether the server is away or the connection broke, a read may be repeated.
    return reason, 0.2 if error.code() == grpc.StatusCode.UNAVAILABLE else None


def call(method, request):
    """Calls a method that only reads, again and again where the failure says that this helps."""
    for attempt in range(1, TRIES + 1):
        try:
            return method(request, timeout=DEADLINE_SECONDS)
        except grpc.RpcError as error:
            reason, wait = details_of(error)
            if wait is None or attempt == TRIES:
                raise SystemExit(f"{error.code().name} ({reason}): {error.details()}") from error
            time.sleep(max(wait, random.uniform(0.5, 1) * min(2.0, 0.1 * 2**attempt)))


def hryvnias(minor):
    """Kopiykas as hryvnias, without a float."""
    return f"{minor // 100}.{minor % 100:02d}"


def month_filter(text):
    """Selects the lines of a month given as YYYY-MM."""
    year, month = map(int, text.split("-"))
    last = calendar.monthrange(year, month)[1]
    return collection_pb2.CollectionFilter(
        days=common_pb2.DayRange(first=common_pb2.Day(year=year, month=month, day=1),
                                 last=common_pb2.Day(year=year, month=month, day=last)))


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    request = collection_pb2.SummarizeCollectionsRequest(
        filter=month_filter(sys.argv[1]),
        group_by=[collection_pb2.GROUPING_DEVICE],
        limit=10000)
    with grpc.insecure_channel(os.environ.get("AQUIFER", "127.0.0.1:50051")) as channel:
        stub = collection_pb2_grpc.CollectionRepositoryStub(channel)
        answer = call(stub.SummarizeCollections, request)
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["device", "lines", "visits", "total"])
    for group in answer.groups:
        table.writerow([group.device_id, group.lines, group.visits, hryvnias(group.total_minor)])
    table.writerow(["all", answer.total.lines, answer.total.visits, hryvnias(answer.total.total_minor)])


if __name__ == "__main__":
    main()
