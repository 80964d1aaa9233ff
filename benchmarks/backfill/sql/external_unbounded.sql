-- The same without a budget.
copy (
    select user_id, count(*) as count, sum(qty)::bigint as qty_sum,
           sum(cents)::bigint as cents_sum, max(cents)::bigint as cents_max
    from ${events}
    group by user_id
) to '${output}' (format parquet, compression snappy)
