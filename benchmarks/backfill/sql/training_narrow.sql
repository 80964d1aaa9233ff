-- training_asof with narrow rows: origins, destinations and routes are looked up
-- apart and put together by row.
copy (
    with
    flights as (
        select file_row_number::int as row, origin, destination, delay::${int} as delay, distance::int as distance,
               (epoch_us(date) // 60000000 - 15778080)::int as q,
               (epoch_us(date) // 60000000 - 15778080 + delay::int + 20 + distance // 8)::int as t
        from ${flights}
    ),
    airports as materialized (
        select name, (row_number() over (order by name))::int as id
        from (select distinct origin as name from flights union select distinct destination from flights)
    ),
    f as materialized (
        select row, q, t, delay, distance, o.id as o, d.id as d, o.id * 1024 + d.id as r
        from flights join airports o on origin = o.name join airports d on destination = d.name
    ),
    origins as materialized (
        select m >> 45 as k, m & 35184372088831 as m, (sum(n) over before)::int as n, (sum(late) over before)::int as late, (sum(delay) over before)::${int} as delay
        from (select (o::bigint << 45) | (t::bigint << 22) | row as m, 1 as n, (delay >= 15)::int as late, delay from f
              union all select id::bigint << 45, 0, 0, 0 from airports order by m)
        window before as (rows unbounded preceding)
    ),
    destinations as materialized (
        select m >> 45 as k, m & 35184372088831 as m, (sum(n) over before)::int as n, (sum(delay) over before)::${int} as delay
        from (select (d::bigint << 45) | (t::bigint << 22) | row as m, 1 as n, delay from f
              union all select id::bigint << 45, 0, 0 from airports order by m)
        window before as (rows unbounded preceding)
    ),
    routes as materialized (
        select m >> 45 as k, m & 35184372088831 as m, (sum(n) over before)::int as n, (sum(delay) over before)::${int} as delay, delay as last
        from (select (r::bigint << 45) | (t::bigint << 22) | row as m, 1 as n, delay from f
              union all select distinct r::bigint << 45, 0, 0 from f order by m)
        window before as (rows unbounded preceding)
    ),
    at_origin as (
        select row, o.n - o1h.n as o1h_n, o.delay - o1h.delay as o1h_delay, o.late - o1h.late as o1h_late,
               o.n - o6h.n as o6h_n, o.delay - o6h.delay as o6h_delay, o.late - o6h.late as o6h_late,
               o.n - o24h.n as o24h_n, o.delay - o24h.delay as o24h_delay, o.late - o24h.late as o24h_late
        from (select row, q, o from f) f
        asof join origins o on f.o = o.k and f.q * 4194304::bigint > o.m
        asof join origins o1h on f.o = o1h.k and (f.q - 60) * 4194304::bigint > o1h.m
        asof join origins o6h on f.o = o6h.k and (f.q - 360) * 4194304::bigint > o6h.m
        asof join origins o24h on f.o = o24h.k and (f.q - 1440) * 4194304::bigint > o24h.m
    ),
    at_destination as (
        select row, d.n - d1h.n as d1h_n, d.delay - d1h.delay as d1h_delay,
               d.n - d6h.n as d6h_n, d.delay - d6h.delay as d6h_delay,
               d.n - d24h.n as d24h_n, d.delay - d24h.delay as d24h_delay
        from (select row, q, d from f) f
        asof join destinations d on f.d = d.k and f.q * 4194304::bigint > d.m
        asof join destinations d1h on f.d = d1h.k and (f.q - 60) * 4194304::bigint > d1h.m
        asof join destinations d6h on f.d = d6h.k and (f.q - 360) * 4194304::bigint > d6h.m
        asof join destinations d24h on f.d = d24h.k and (f.q - 1440) * 4194304::bigint > d24h.m
    ),
    on_route as (
        select f.*, r.n - r7.n as r_n, r.delay - r7.delay as r_delay, case when r.m >= (f.q - 10080) * 4194304::bigint then r.last end as r_last
        from f
        asof join routes r on f.r = r.k and f.q * 4194304::bigint > r.m
        asof join routes r7 on f.r = r7.k and (f.q - 10080) * 4194304::bigint > r7.m
    ),
    found as (
        select * from on_route join at_origin using (row) join at_destination using (row)
    )
    select row::bigint as row, make_timestamp((q + 15778080) * 60000000::bigint) as date, o.name as origin, d.name as destination,
           distance::${bigint} as distance, delay::${bigint} as delay,
           o1h_n::bigint as origin_count_1h, o1h_delay::${bigint} as origin_delay_sum_1h,
           o1h_delay / nullif(o1h_n, 0) as origin_delay_mean_1h, o1h_late::bigint as origin_late_count_1h,
           d1h_n::bigint as destination_count_1h, d1h_delay::${bigint} as destination_delay_sum_1h,
           d1h_delay / nullif(d1h_n, 0) as destination_delay_mean_1h,
           o6h_n::bigint as origin_count_6h, o6h_delay::${bigint} as origin_delay_sum_6h,
           o6h_delay / nullif(o6h_n, 0) as origin_delay_mean_6h, o6h_late::bigint as origin_late_count_6h,
           d6h_n::bigint as destination_count_6h, d6h_delay::${bigint} as destination_delay_sum_6h,
           d6h_delay / nullif(d6h_n, 0) as destination_delay_mean_6h,
           o24h_n::bigint as origin_count_24h, o24h_delay::${bigint} as origin_delay_sum_24h,
           o24h_delay / nullif(o24h_n, 0) as origin_delay_mean_24h, o24h_late::bigint as origin_late_count_24h,
           d24h_n::bigint as destination_count_24h, d24h_delay::${bigint} as destination_delay_sum_24h,
           d24h_delay / nullif(d24h_n, 0) as destination_delay_mean_24h,
           r_n::bigint as route_count_7d, r_delay::${bigint} as route_delay_sum_7d, r_last::${bigint} as route_delay_last_7d
    from found join airports o on found.o = o.id join airports d on found.d = d.id
) to '${output}' (format parquet, compression snappy)
