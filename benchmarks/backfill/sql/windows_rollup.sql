-- The same windows in two steps: each hour is given to the 6 six-hour windows
-- that hold it, and each of those to 4 windows of 24 h: 10 rows an hour and
-- airport instead of 24.
copy (
    with hours as (
        select origin,
               ((epoch_us(date) // 60000000 + delay::bigint + 20 + distance // 8) // 60)::int as hour,
               count(*)::int as n, sum(delay)::${int} as total, max(delay)::${int} as top
        from ${flights}
        group by all
    ),
    six as (
        select origin, hour - k as first, sum(n)::int as n, sum(total)::${int} as total, max(top) as top
        from hours, (select unnest(range(6))::int) steps(k)
        group by origin, first
    ),
    windows as (
        select origin, first - k as first, sum(n) as n, sum(total) as total, max(top) as top
        from six, (select unnest([0, 6, 12, 18])::int) steps(k)
        group by all
    )
    select origin,
           make_timestamp(first * 3600000000) as window_start,
           make_timestamp((first + 24) * 3600000000) as window_end,
           n::bigint as count,
           total::${bigint} as delay_sum,
           total::double / n as delay_mean,
           top::${bigint} as delay_max
    from windows
) to '${output}' (format parquet, compression snappy)
