-- Group-by beyond the budget: 100 M events of 25 M users in 512 MB. One group-by
-- of all (external_unbounded) spills two gigabytes and then fails for want of
-- memory in DuckDB 1.5.5, with one thread too, so the users are done a sixth at a
-- time.
copy (
    select user_id, count(*) as count, sum(qty)::bigint as qty_sum,
           sum(cents)::bigint as cents_sum, max(cents)::bigint as cents_max
    from ${events}
    where hash(user_id) % 6 = 0
    group by user_id
    union all
    select user_id, count(*) as count, sum(qty)::bigint as qty_sum,
           sum(cents)::bigint as cents_sum, max(cents)::bigint as cents_max
    from ${events}
    where hash(user_id) % 6 = 1
    group by user_id
    union all
    select user_id, count(*) as count, sum(qty)::bigint as qty_sum,
           sum(cents)::bigint as cents_sum, max(cents)::bigint as cents_max
    from ${events}
    where hash(user_id) % 6 = 2
    group by user_id
    union all
    select user_id, count(*) as count, sum(qty)::bigint as qty_sum,
           sum(cents)::bigint as cents_sum, max(cents)::bigint as cents_max
    from ${events}
    where hash(user_id) % 6 = 3
    group by user_id
    union all
    select user_id, count(*) as count, sum(qty)::bigint as qty_sum,
           sum(cents)::bigint as cents_sum, max(cents)::bigint as cents_max
    from ${events}
    where hash(user_id) % 6 = 4
    group by user_id
    union all
    select user_id, count(*) as count, sum(qty)::bigint as qty_sum,
           sum(cents)::bigint as cents_sum, max(cents)::bigint as cents_max
    from ${events}
    where hash(user_id) % 6 = 5
    group by user_id
) to '${output}' (format parquet, compression snappy)
