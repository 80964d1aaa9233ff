-- The training set with half the memory: a report enters at t and leaves at t + w,
-- departures lie between, all sorted by airport and minute, and running sums over
-- them are the windows' contents. In a minute departures come first (kind 0): a
-- report at t is not yet seen by q = t, and one at q - w still is. Count, late
-- count and sum are packed in one integer of 16, 16 and 32 bits for each window.
-- Routes as in training_asof. Not for floats.
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
    origins as (
        select m & 7 as kind, v as row,
               (sum(case m & 7 when 1 then p when 2 then -p else 0 end) over before)::bigint as p1h,
               (sum(case m & 7 when 1 then p when 3 then -p else 0 end) over before)::bigint as p6h,
               (sum(case m & 7 when 1 then p when 4 then -p else 0 end) over before)::bigint as p24h
        from (select (o::bigint << 26) | (q << 3) as m, row as v, 0::bigint as p from f
              union all
              select (o::bigint << 26) | ((t + unnest([0, 60, 360, 1440])) << 3) | unnest([1, 2, 3, 4]), null,
                     (1::bigint << 48) + ((delay >= 15)::bigint << 32) + delay
              from f
              order by m)
        window before as (rows unbounded preceding)
    ),
    at_origin as (
        select row, ((p1h + 2147483648) >> 48)::int as o1h_n, (((p1h + 2147483648) & 4294967295) - 2147483648)::int as o1h_delay, (((p1h + 2147483648) >> 32) & 65535)::int as o1h_late,
               ((p6h + 2147483648) >> 48)::int as o6h_n, (((p6h + 2147483648) & 4294967295) - 2147483648)::int as o6h_delay, (((p6h + 2147483648) >> 32) & 65535)::int as o6h_late,
               ((p24h + 2147483648) >> 48)::int as o24h_n, (((p24h + 2147483648) & 4294967295) - 2147483648)::int as o24h_delay, (((p24h + 2147483648) >> 32) & 65535)::int as o24h_late
        from origins
        where kind = 0
    ),
    destinations as (
        select m & 7 as kind, v as row,
               (sum(case m & 7 when 1 then p when 2 then -p else 0 end) over before)::bigint as p1h,
               (sum(case m & 7 when 1 then p when 3 then -p else 0 end) over before)::bigint as p6h,
               (sum(case m & 7 when 1 then p when 4 then -p else 0 end) over before)::bigint as p24h
        from (select (d::bigint << 26) | (q << 3) as m, row as v, 0::bigint as p from f
              union all
              select (d::bigint << 26) | ((t + unnest([0, 60, 360, 1440])) << 3) | unnest([1, 2, 3, 4]), null,
                     (1::bigint << 48) + delay
              from f
              order by m)
        window before as (rows unbounded preceding)
    ),
    at_destination as (
        select row, ((p1h + 2147483648) >> 48)::int as d1h_n, (((p1h + 2147483648) & 4294967295) - 2147483648)::int as d1h_delay,
               ((p6h + 2147483648) >> 48)::int as d6h_n, (((p6h + 2147483648) & 4294967295) - 2147483648)::int as d6h_delay,
               ((p24h + 2147483648) >> 48)::int as d24h_n, (((p24h + 2147483648) & 4294967295) - 2147483648)::int as d24h_delay
        from destinations
        where kind = 0
    ),
    routes as materialized (
        select m >> 45 as k, m & 35184372088831 as m, (sum(n) over before)::int as n, (sum(delay) over before)::${int} as delay, delay as last
        from (select (r::bigint << 45) | (t::bigint << 22) | row as m, 1 as n, delay from f
              union all select distinct r::bigint << 45, 0, 0 from f order by m)
        window before as (rows unbounded preceding)
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
