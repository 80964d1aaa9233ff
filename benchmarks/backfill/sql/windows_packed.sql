-- windows_frame with one sum instead of two: count in the upper, sum of delays
-- in the lower 32 bits of an integer, good for windows whose delays add up to
-- less than 2^31 minutes. Not for floats.
copy (
    with hours as (
        select origin,
               ((epoch_us(date) // 60000000 + delay::bigint + 20 + distance // 8) // 60)::int as hour,
               count(*)::int as n, sum(delay)::int as total, max(delay)::int as top
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
        select origin, hour, n * 4294967296::bigint + total as packed, top
        from spine left join hours using (origin, hour)
    ),
    windows as (
        select origin, hour as first, (sum(packed) over frame)::bigint as packed, max(top) over frame as top
        from dense
        window frame as (partition by origin order by hour rows between current row and 23 following)
    ),
    unpacked as (
        select origin, first, (packed + 2147483648) >> 32 as n, packed - (((packed + 2147483648) >> 32) << 32) as total, top
        from windows
        where packed is not null
    )
    select origin,
           make_timestamp(first * 3600000000) as window_start,
           make_timestamp((first + 24) * 3600000000) as window_end,
           n as count,
           total as delay_sum,
           total::double / n as delay_mean,
           top::bigint as delay_max
    from unpacked
) to '${output}' (format parquet, compression snappy)
