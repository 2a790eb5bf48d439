"""Arrow files as Apache Arrow for C++ writes them, for the tests of Source.arrow.

Run with pyarrow 26.0.1: python3 arrow.py (writes *.arrow beside this file).
"""

from pathlib import Path

import pyarrow as pa
from pyarrow import ipc

here = Path(__file__).parent

US = 1_000_000_000_123_456  # 2001-09-09T01:46:40.123456Z

table = pa.table(
    {
        "small": pa.array([1, None, -128], pa.int8()),
        "big": pa.array([9007199254740993, None, -(2**63)], pa.int64()),
        "unsigned": pa.array([0, None, 2**64 - 1], pa.uint64()),
        "half": pa.array([1.5, None, float("nan")], pa.float32()),
        "double": pa.array([0.1, None, float("inf")], pa.float64()),
        "flag": pa.array([True, None, False]),
        "text": pa.array(["", None, "Köln\n\u001f\u001e"]),
        "large": pa.array(["x" * 700, None, "y"], pa.large_string()),
        "category": pa.array(["a", None, "b"]).dictionary_encode(),
        "s": pa.array([US // 10**6, None, -1], pa.timestamp("s", "UTC")),
        "ms": pa.array([US // 10**3, None, -1], pa.timestamp("ms", "America/New_York")),
        "us": pa.array([US, None, -1], pa.timestamp("us")),
        "ns": pa.array([US * 1000 + 999, None, -1], pa.timestamp("ns", "UTC")),
        "day": pa.array([0, None, -1], pa.date32()),
        "date_ms": pa.array([86_400_000, None, 0], pa.date64()),
        "price": pa.array([1, None, 2], pa.decimal128(10, 2)),
    }
)

with ipc.new_stream(here / "stream.arrow", table.schema) as writer:
    writer.write_table(table, max_chunksize=2)
with ipc.new_file(here / "file.arrow", table.schema) as writer:
    writer.write_table(table, max_chunksize=2)
small = table.select(["big", "text"])
for compression in ["zstd", "lz4"]:
    options = ipc.IpcWriteOptions(compression=compression)
    with ipc.new_file(here / f"{compression}.arrow", small.schema, options=options) as writer:
        writer.write_table(small)
