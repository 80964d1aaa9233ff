-- The training set by its definition: each departure joined with the reports of
-- its windows. For small inputs: what the others are held against.
copy (
    with
    flights as materialized (
        select file_row_number::int as row, date, origin, destination, delay::${int} as delay, distance,
               (epoch_us(date) // 60000000)::int as q, (epoch_us(date) // 60000000 + delay::int + 20 + distance // 8)::int as t
        from ${flights}
    ),
    origins as (
        select f.row, count(*) filter (where r.t >= f.q - 60) as o1h_n, sum(r.delay) filter (where r.t >= f.q - 60) as o1h_delay,
               count(*) filter (where r.t >= f.q - 60 and r.delay >= 15) as o1h_late,
               count(*) filter (where r.t >= f.q - 360) as o6h_n, sum(r.delay) filter (where r.t >= f.q - 360) as o6h_delay,
               count(*) filter (where r.t >= f.q - 360 and r.delay >= 15) as o6h_late,
               count(*) filter (where r.t >= f.q - 1440) as o24h_n, sum(r.delay) filter (where r.t >= f.q - 1440) as o24h_delay,
               count(*) filter (where r.t >= f.q - 1440 and r.delay >= 15) as o24h_late
        from flights f join flights r on r.origin = f.origin and r.t >= f.q - 1440 and r.t < f.q
        group by f.row
    ),
    destinations as (
        select f.row, count(*) filter (where r.t >= f.q - 60) as d1h_n, sum(r.delay) filter (where r.t >= f.q - 60) as d1h_delay,
               count(*) filter (where r.t >= f.q - 360) as d6h_n, sum(r.delay) filter (where r.t >= f.q - 360) as d6h_delay,
               count(*) filter (where r.t >= f.q - 1440) as d24h_n, sum(r.delay) filter (where r.t >= f.q - 1440) as d24h_delay
        from flights f join flights r on r.destination = f.destination and r.t >= f.q - 1440 and r.t < f.q
        group by f.row
    ),
    routes as (
        select f.row, count(*) as r_n, sum(r.delay) as r_delay, arg_max(r.delay, r.t * 4194304::bigint + r.row) as r_last
        from flights f join flights r on r.origin = f.origin and r.destination = f.destination and r.t >= f.q - 10080 and r.t < f.q
        group by f.row
    )
    select row::bigint as row, date, origin, destination, distance::${bigint} as distance, delay::${bigint} as delay,
           coalesce(o1h_n, 0)::bigint as origin_count_1h, coalesce(o1h_delay, 0)::${bigint} as origin_delay_sum_1h,
           o1h_delay / nullif(o1h_n, 0) as origin_delay_mean_1h, coalesce(o1h_late, 0)::bigint as origin_late_count_1h,
           coalesce(d1h_n, 0)::bigint as destination_count_1h, coalesce(d1h_delay, 0)::${bigint} as destination_delay_sum_1h,
           d1h_delay / nullif(d1h_n, 0) as destination_delay_mean_1h,
           coalesce(o6h_n, 0)::bigint as origin_count_6h, coalesce(o6h_delay, 0)::${bigint} as origin_delay_sum_6h,
           o6h_delay / nullif(o6h_n, 0) as origin_delay_mean_6h, coalesce(o6h_late, 0)::bigint as origin_late_count_6h,
           coalesce(d6h_n, 0)::bigint as destination_count_6h, coalesce(d6h_delay, 0)::${bigint} as destination_delay_sum_6h,
           d6h_delay / nullif(d6h_n, 0) as destination_delay_mean_6h,
           coalesce(o24h_n, 0)::bigint as origin_count_24h, coalesce(o24h_delay, 0)::${bigint} as origin_delay_sum_24h,
           o24h_delay / nullif(o24h_n, 0) as origin_delay_mean_24h, coalesce(o24h_late, 0)::bigint as origin_late_count_24h,
           coalesce(d24h_n, 0)::bigint as destination_count_24h, coalesce(d24h_delay, 0)::${bigint} as destination_delay_sum_24h,
           d24h_delay / nullif(d24h_n, 0) as destination_delay_mean_24h,
           coalesce(r_n, 0)::bigint as route_count_7d, coalesce(r_delay, 0)::${bigint} as route_delay_sum_7d, r_last::${bigint} as route_delay_last_7d
    from flights left join origins using (row) left join destinations using (row) left join routes using (row)
) to '${output}' (format parquet, compression snappy)
