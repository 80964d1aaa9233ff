"""Some jobs in Polars, one a process: python jobs.py JOB INPUT OUTPUT

Writes Parquet to OUTPUT and prints wall time, CPU time (ns) and peak memory
(bytes) of the job as JSON. POLARS_MAX_THREADS, set before the start, is the
number of threads.
"""

import json
import resource
import sys
import time

import polars as pl

MINUTE = 60_000_000


def flights(path, *columns):
    """The flights with the minute of departure, q, and that of the report, t."""
    q = pl.col("date").dt.timestamp("us") // MINUTE
    return pl.scan_parquet(path).select(
        *columns,
        q=q.cast(pl.Int64),
        t=(q + pl.col("delay") + 20 + pl.col("distance") // 8).cast(pl.Int64),
    )


def windows(path, output):
    """Hours first, then every hour the 24 that lie behind it."""
    hours = (
        flights(path, "origin", "delay")
        .group_by("origin", hour=pl.col("t") // 60)
        .agg(n=pl.len().cast(pl.Int64), total=pl.col("delay").sum(), top=pl.col("delay").max())
        .sort("origin", "hour")
        .collect()
    )
    moving = hours.group_by_dynamic(
        "hour", every="1i", period="24i", offset="-23i", group_by="origin", label="left"
    ).agg(n=pl.col("n").sum(), total=pl.col("total").sum(), top=pl.col("top").max())
    start = (pl.col("hour") * 60 * MINUTE).cast(pl.Datetime("us"))
    moving.select(
        "origin",
        window_start=start,
        window_end=start + pl.duration(hours=24),
        count="n",
        delay_sum="total",
        delay_mean=pl.col("total") / pl.col("n"),
        delay_max="top",
    ).write_parquet(output, compression="snappy")


def groupby(path, output):
    """Purchases by user."""
    pl.scan_parquet(path).group_by("user_id").agg(
        count=pl.len().cast(pl.Int64),
        qty_sum=pl.col("qty").cast(pl.Int64).sum(),
        cents_sum=pl.col("cents").sum(),
        cents_max=pl.col("cents").max(),
    ).sink_parquet(output, compression="snappy")


def training(path, output):
    """Running sums by key over the reports in order of time, and an as-of join
    for each moment; a join keeps the order of the departures, so that its columns
    are put beside the others."""
    spine = (
        flights(path, "date", "origin", "destination", "distance", "delay")
        .with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int64))
        .collect()
    )
    reports = spine.select("origin", "destination", "delay", "t", "row").sort("t", "row")
    reports = reports.with_columns(n=1, late=(pl.col("delay") >= 15).cast(pl.Int64))
    columns = [spine.select("row", "date", "origin", "destination", "distance", "delay")]

    def history(keys, *names):
        return reports.select(*keys, "t", "delay", *(pl.col(c).cum_sum().over(keys).cast(pl.Int64).alias("sum_" + c) for c in names))

    def before(minutes, keys, past):
        """What had been summed up before each departure less some minutes."""
        return spine.select(*keys, x=pl.col("q") - minutes).join_asof(
            past, left_on="x", right_on="t", by=keys, allow_exact_matches=False, coalesce=False, check_sortedness=False
        )

    def difference(now, then, name):
        return now["sum_" + name].fill_null(0) - then["sum_" + name].fill_null(0)

    for key in ("origin", "destination"):
        names = ("n", "delay", "late") if key == "origin" else ("n", "delay")
        past = history([key], *names)
        now = before(0, [key], past)
        for window, minutes in (("1h", 60), ("6h", 360), ("24h", 1440)):
            then = before(minutes, [key], past)
            n, total = difference(now, then, "n"), difference(now, then, "delay")
            mean = pl.DataFrame({"n": n, "total": total}).select(pl.when(pl.col("n") > 0).then(pl.col("total") / pl.col("n")))
            columns.append(pl.DataFrame({
                f"{key}_count_{window}": n,
                f"{key}_delay_sum_{window}": total,
                f"{key}_delay_mean_{window}": mean.to_series(),
            }))
            if key == "origin":
                columns.append(difference(now, then, "late").alias(f"origin_late_count_{window}").to_frame())
    route, week = ["origin", "destination"], 7 * 24 * 60
    past = history(route, "n", "delay")
    now, then = before(0, route, past), before(week, route, past)
    columns.append(now.select(route_delay_last_7d=pl.when(pl.col("t") >= pl.col("x") - week).then("delay")))
    columns.append(pl.DataFrame({"route_count_7d": difference(now, then, "n"), "route_delay_sum_7d": difference(now, then, "delay")}))
    pl.concat(columns, how="horizontal").write_parquet(output, compression="snappy")


if __name__ == "__main__":
    job, path, output = sys.argv[1:]
    start = time.perf_counter_ns()
    before = resource.getrusage(resource.RUSAGE_SELF)
    {"windows": windows, "groupby": groupby, "training": training}[job](path, output)
    after = resource.getrusage(resource.RUSAGE_SELF)
    wall = time.perf_counter_ns() - start
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))
    print(json.dumps({"Wall": wall, "CPU": int(cpu * 1e9), "Peak": peak}))
