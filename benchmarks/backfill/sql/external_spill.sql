-- Group-by beyond the budget: 100 M events of 25 M users in 512 MB.
copy (
    select user_id, count(*) as count, sum(qty)::bigint as qty_sum,
           sum(cents)::bigint as cents_sum, max(cents)::bigint as cents_max
    from ${events}
    group by user_id
) to '${output}' (format parquet, compression snappy)
