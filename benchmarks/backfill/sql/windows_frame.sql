-- The same windows with a window function: hours without a report are filled
-- in, so that a frame of 24 rows is a frame of 24 hours.
copy (
    with hours as (
        select origin,
               ((epoch_us(date) // 60000000 + delay::bigint + 20 + distance // 8) // 60)::int as hour,
               count(*)::int as n, sum(delay)::${int} as total, max(delay)::${int} as top
        from ${flights}
        group by all
    ),
    spans as (
        select origin, min(hour) - 23 as low, max(hour) as high from hours group by origin
    ),
    spine as (
        select origin, unnest(range(low, high + 1))::int as hour from spans
    ),
    dense as (
        select origin, hour, n, total, top from spine left join hours using (origin, hour)
    ),
    windows as (
        select origin, hour as first,
               (sum(n) over frame)::int as n, (sum(total) over frame)::${int} as total, max(top) over frame as top
        from dense
        window frame as (partition by origin order by hour rows between current row and 23 following)
    )
    select origin,
           make_timestamp(first * 3600000000) as window_start,
           make_timestamp((first + 24) * 3600000000) as window_end,
           n::bigint as count,
           total::${bigint} as delay_sum,
           total::double / n as delay_mean,
           top::${bigint} as delay_max
    from windows
    where n > 0
) to '${output}' (format parquet, compression snappy)
