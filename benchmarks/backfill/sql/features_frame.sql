-- For each reading what its user's readings of the seven days before it were:
-- count, and sum and mean of 20 floats. A RANGE frame that ends a microsecond
-- before the reading is [q - 7 d, q).
copy (
    with sums as (
        select file_row_number as row, user_id, "at", count(*) over week as count_7d,
               coalesce(sum(columns('^f\d\d$')) over week, 0) as "\0_sum_7d"
        from ${readings}
        window week as (partition by user_id order by "at" range between interval 7 days preceding and interval 1 microsecond preceding)
    )
    select *, columns('^(f\d\d)_sum_7d$') / nullif(count_7d, 0) as "\1_mean_7d"
    from sums
) to '${output}' (format parquet, compression snappy)
