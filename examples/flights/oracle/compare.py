"""Compares a model of `flights train` with scikit-learn's fit of the same data.

    compare.py SET MODEL

SET is the directory that `flights training` wrote, MODEL the file that `flights
train` made of it. Nothing of Leat is used: columns are read with pyarrow, features
are made here by the definitions in ../README.md, and scikit-learn fits with its own
solver. The exit code is 1 unless

  - AUC and log loss of both models on the test month are within 0.01,
  - so are those of the base rate,
  - predictions made from the model file alone have the quality it claims.
"""

import json
import sys

import numpy as np
import pyarrow.parquet as pq
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

TOLERANCE = 0.01


def column(table, name):
    """A column as floats, NaN for null."""
    return table[name].to_numpy().astype(np.float64)


def ratio(part, whole):
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


def features(table):
    """Returns names, and values as columns, of numbers (NaN: unknown) and of zeros and ones."""
    numbers, marks = {}, {}
    windows = [c.removeprefix("origin_count_") for c in table.column_names if c.startswith("origin_count_")]
    for w in windows:
        for name in ["origin_count", "origin_delay_sum", "origin_delay_mean", "destination_count", "destination_delay_sum", "destination_delay_mean"]:
            numbers[f"{name}_{w}"] = column(table, f"{name}_{w}")
        numbers[f"origin_late_share_{w}"] = ratio(column(table, f"origin_late_count_{w}"), numbers[f"origin_count_{w}"])
        for side in ["origin", "destination"]:
            marks[f"{side}_none_{w}"] = numbers[f"{side}_count_{w}"] == 0
    for name in ["distance", "route_count_7d", "route_delay_sum_7d", "route_delay_last_7d"]:
        numbers[name] = column(table, name)
    numbers["route_delay_mean_7d"] = ratio(numbers["route_delay_sum_7d"], numbers["route_count_7d"])
    marks["route_none_7d"] = numbers["route_count_7d"] == 0

    date = table["date"].to_numpy()
    hour = (date - date.astype("datetime64[D]")) // np.timedelta64(1, "h")
    for h in range(24):
        marks[f"hour_{h:02}"] = hour == h
    weekday = (date.astype("datetime64[D]").astype(np.int64) + 4) % 7  # 1970-01-01 was a Thursday
    for d, name in enumerate(["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]):
        marks[f"day_{name}"] = weekday == d
    return numbers, marks


def split(date):
    """Rows of the training months and of the test, the last month that is more than an edge."""
    month = date.astype("datetime64[M]")
    found, rows = np.unique(month, return_counts=True)
    test = found[rows * 100 >= rows.max()][-1]
    return month < test, month == test


def predict(model, numbers, marks):
    """Probabilities by the model file alone."""
    margin = np.full(len(next(iter(numbers.values()))), model["intercept"])
    for f in model["features"]:
        if "mean" in f:
            z = np.clip((numbers[f["name"]] - f["mean"]) / f["scale"], -model["limit"], model["limit"])
            margin += f["weight"] * np.nan_to_num(z, nan=0.0)
        else:
            margin += f["weight"] * marks[f["name"]]
    return 1 / (1 + np.exp(-margin))


def main(path, model_path):
    with open(model_path) as file:
        model = json.load(file)
    table = pq.read_table(path)
    late = column(table, "delay") >= 15
    train, test = split(table["date"].to_numpy())
    numbers, marks = features(table)

    columns = []
    for values in numbers.values():
        known = values[train]
        z = np.clip((values - np.nanmean(known)) / np.nanstd(known), -8, 8)
        columns.append(np.nan_to_num(z, nan=0.0))
    columns += [m.astype(np.float64) for m in marks.values()]
    x = np.column_stack(columns)
    del columns
    fit = LogisticRegression(C=1.0, max_iter=1000).fit(x[train], late[train])
    ours = predict(model, numbers, marks)[test]
    theirs = fit.predict_proba(x[test])[:, 1]
    base = np.full(test.sum(), late[train].mean())

    def quality(p):
        return {"auc": roc_auc_score(late[test], p), "log_loss": log_loss(late[test], p)}

    failed = False
    for what, got, want, tolerance in [
        ("model and scikit-learn", model["quality"], quality(theirs), TOLERANCE),
        ("base rates", model["base_rate_quality"], quality(base), TOLERANCE),
        ("file and its claim", quality(ours), model["quality"], 1e-4),
    ]:
        for name in ["auc", "log_loss"]:
            off = abs(got[name] - want[name])
            bad = not off <= tolerance  # also NaN
            failed |= bad
            print(f"{what:24} {name:8} {got[name]:.6f} {want[name]:.6f}  apart by {off:.6f}, allowed {tolerance}{'  FAILED' if bad else ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
