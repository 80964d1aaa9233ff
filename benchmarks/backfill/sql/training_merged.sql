-- The training set with window functions: reports and departures in one relation
-- by minute, and RANGE frames from w minutes before to one minute before, which
-- is [q - w, q) since all times are whole minutes. Correct, and too slow to be
-- measured with the others.
copy (
    with
    flights as materialized (
        select file_row_number::int as row, date, origin, destination, delay::${int} as delay, distance,
               (epoch_us(date) // 60000000)::int as q, (epoch_us(date) // 60000000 + delay::int + 20 + distance // 8)::int as t
        from ${flights}
    ),
    origins as (
        select row, count(delay) over w1h as o1h_n, sum(delay) over w1h as o1h_delay, count(*) filter (where delay >= 15) over w1h as o1h_late,
               count(delay) over w6h as o6h_n, sum(delay) over w6h as o6h_delay, count(*) filter (where delay >= 15) over w6h as o6h_late,
               count(delay) over w24h as o24h_n, sum(delay) over w24h as o24h_delay, count(*) filter (where delay >= 15) over w24h as o24h_late
        from (select origin, row, q as m, null as delay from flights
              union all select origin, null, t, delay from flights)
        window w1h as (partition by origin order by m range between 60 preceding and 1 preceding),
               w6h as (partition by origin order by m range between 360 preceding and 1 preceding),
               w24h as (partition by origin order by m range between 1440 preceding and 1 preceding)
    ),
    destinations as (
        select row, count(delay) over w1h as d1h_n, sum(delay) over w1h as d1h_delay,
               count(delay) over w6h as d6h_n, sum(delay) over w6h as d6h_delay,
               count(delay) over w24h as d24h_n, sum(delay) over w24h as d24h_delay
        from (select destination, row, q as m, null as delay from flights
              union all select destination, null, t, delay from flights)
        window w1h as (partition by destination order by m range between 60 preceding and 1 preceding),
               w6h as (partition by destination order by m range between 360 preceding and 1 preceding),
               w24h as (partition by destination order by m range between 1440 preceding and 1 preceding)
    ),
    routes as (
        select row, count(t) over week as r_n, sum(delay) over week as r_delay, arg_max(delay, t * 4194304::bigint + report) over week as r_last
        from (select origin, destination, row, q as m, null as t, null as delay, null as report from flights
              union all select origin, destination, null, t, t, delay, row from flights)
        window week as (partition by origin, destination order by m range between 10080 preceding and 1 preceding)
    )
    select row::bigint as row, date, origin, destination, distance::${bigint} as distance, delay::${bigint} as delay,
           o1h_n::bigint as origin_count_1h, coalesce(o1h_delay, 0)::${bigint} as origin_delay_sum_1h,
           o1h_delay / nullif(o1h_n, 0) as origin_delay_mean_1h, o1h_late::bigint as origin_late_count_1h,
           d1h_n::bigint as destination_count_1h, coalesce(d1h_delay, 0)::${bigint} as destination_delay_sum_1h,
           d1h_delay / nullif(d1h_n, 0) as destination_delay_mean_1h,
           o6h_n::bigint as origin_count_6h, coalesce(o6h_delay, 0)::${bigint} as origin_delay_sum_6h,
           o6h_delay / nullif(o6h_n, 0) as origin_delay_mean_6h, o6h_late::bigint as origin_late_count_6h,
           d6h_n::bigint as destination_count_6h, coalesce(d6h_delay, 0)::${bigint} as destination_delay_sum_6h,
           d6h_delay / nullif(d6h_n, 0) as destination_delay_mean_6h,
           o24h_n::bigint as origin_count_24h, coalesce(o24h_delay, 0)::${bigint} as origin_delay_sum_24h,
           o24h_delay / nullif(o24h_n, 0) as origin_delay_mean_24h, o24h_late::bigint as origin_late_count_24h,
           d24h_n::bigint as destination_count_24h, coalesce(d24h_delay, 0)::${bigint} as destination_delay_sum_24h,
           d24h_delay / nullif(d24h_n, 0) as destination_delay_mean_24h,
           r_n::bigint as route_count_7d, coalesce(r_delay, 0)::${bigint} as route_delay_sum_7d, r_last::${bigint} as route_delay_last_7d
    from flights join origins using (row) join destinations using (row) join routes using (row)
) to '${output}' (format parquet, compression snappy)
