"""The same job in pyarrow: a process that answers commands, one a line, by one line of JSON each.

load FILE                                    the rows, into memory, in batches of its row groups; their number and the sum of the states' bits
write FILE CODEC LEVEL ENCODING PRECISION    row group by row group; seconds
iterate FILE                                 all rows, batch by batch; seconds
table FILE                                   all rows at once; seconds
"""

import json
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

batches = []


def timed(job):
    """Seconds by the clock and of all processors, and what the job gave."""
    begin, cpu = time.perf_counter(), time.process_time()
    result = job()
    return {"seconds": time.perf_counter() - begin, "cpu_seconds": time.process_time() - cpu, "rows": result}


def narrow(batch):
    """Lists of float16 for lists of float32."""
    g = batch.column("g")
    halves = pa.FixedSizeListArray.from_arrays(g.values.cast(pa.float16()), g.type.list_size)
    return batch.set_column(batch.schema.get_field_index("g"), "g", halves)


def load(path):
    batches.clear()
    file = pq.ParquetFile(path)
    for group in range(file.num_row_groups):
        batches.extend(file.read_row_group(group).combine_chunks().to_batches())
    bits = sum(int(batch.column("g").flatten().to_numpy().view(np.uint32).sum(dtype=np.uint64)) for batch in batches)
    return {"rows": sum(batch.num_rows for batch in batches), "batches": len(batches), "bits": bits}


def write(path, codec, level, encoding, precision):
    rows = [narrow(batch) for batch in batches] if precision == "float16" else batches
    floats = ["box_m", "x_m", "y_m", "vx_m", "vy_m", "time_s", "g.list.element"]
    names = [name for name in rows[0].schema.names if name != "g"] + ["g.list.element"]
    # As gridlake: only lists are encoded in other ways.
    options = {"compression": codec, "compression_level": None if level == "-" else int(level)}
    split = floats if encoding == "split" else [name for name in floats if not name.startswith("g.")]
    options["use_dictionary"] = [name for name in names if name not in split and (encoding == "dictionary" or not name.startswith("g."))]
    options["use_byte_stream_split"] = split

    def job():
        with pq.ParquetWriter(path, rows[0].schema, **options) as writer:
            for batch in rows:
                writer.write_batch(batch)
        return sum(batch.num_rows for batch in rows)

    return timed(job)


def iterate(path):
    return timed(lambda: sum(batch.num_rows for batch in pq.ParquetFile(path).iter_batches(batch_size=8192)))


def table(path):
    return timed(lambda: pq.read_table(path).num_rows)


def main():
    print(json.dumps({"pyarrow": pa.__version__, "threads": pa.cpu_count()}), flush=True)
    for line in sys.stdin:
        verb, *arguments = line.rstrip("\n").split("\t")
        answer = {"load": load, "write": write, "iterate": iterate, "table": table}[verb](*arguments)
        print(json.dumps(answer), flush=True)


main()
