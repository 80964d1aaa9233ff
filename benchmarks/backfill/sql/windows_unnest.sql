-- Flights reported by airport in windows of 24 h every hour, the plain way:
-- hourly pre-aggregation, then each hour is given to its 24 windows.
copy (
    with hours as (
        select origin,
               ((epoch_us(date) // 60000000 + delay::bigint + 20 + distance // 8) // 60)::int as hour,
               count(*)::int as n, sum(delay)::${int} as total, max(delay)::${int} as top
        from ${flights}
        group by all
    ),
    windows as (
        select origin, hour - k as first, sum(n) as n, sum(total) as total, max(top) as top
        from hours, (select unnest(range(24))::int) steps(k)
        group by origin, first
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
