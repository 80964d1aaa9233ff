-- The same with running sums over all readings sorted by user and time (DuckDB
-- keeps the order of a subquery under an empty OVER), of equal times the last
-- only, looked up before q and before q - 7 d by ASOF joins and subtracted. Each
-- user begins with a reading of nothing.
copy (
    with
    users as materialized (
        select user_id as name, (row_number() over ())::int as id from (select distinct user_id from ${readings})
    ),
    readings as materialized (
        select file_row_number::int as row, id, epoch_us("at") as t, f01, f02, f03, f04, f05, f06, f07, f08, f09, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20
        from ${readings} join users on name = user_id
    ),
    running as (
        select id, t, lead(id) over () as next_id, lead(t) over () as next_t, sum(n) over before as n,
               sum(f01) over before as f01, sum(f02) over before as f02, sum(f03) over before as f03, sum(f04) over before as f04, sum(f05) over before as f05,
               sum(f06) over before as f06, sum(f07) over before as f07, sum(f08) over before as f08, sum(f09) over before as f09, sum(f10) over before as f10,
               sum(f11) over before as f11, sum(f12) over before as f12, sum(f13) over before as f13, sum(f14) over before as f14, sum(f15) over before as f15,
               sum(f16) over before as f16, sum(f17) over before as f17, sum(f18) over before as f18, sum(f19) over before as f19, sum(f20) over before as f20
        from (select id, t, 1 as n, f01, f02, f03, f04, f05, f06, f07, f08, f09, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20 from readings
              union all
              select id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 from users
              order by 1, 2)
        window before as (rows unbounded preceding)
    ),
    history as materialized (
        select id, t, n::int as n, f01, f02, f03, f04, f05, f06, f07, f08, f09, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20
        from running
        where id is distinct from next_id or t is distinct from next_t
    ),
    found as (
        select q.row, q.id, q.t, a.n - b.n as n,
               a.f01 - b.f01 as f01, a.f02 - b.f02 as f02, a.f03 - b.f03 as f03, a.f04 - b.f04 as f04, a.f05 - b.f05 as f05,
               a.f06 - b.f06 as f06, a.f07 - b.f07 as f07, a.f08 - b.f08 as f08, a.f09 - b.f09 as f09, a.f10 - b.f10 as f10,
               a.f11 - b.f11 as f11, a.f12 - b.f12 as f12, a.f13 - b.f13 as f13, a.f14 - b.f14 as f14, a.f15 - b.f15 as f15,
               a.f16 - b.f16 as f16, a.f17 - b.f17 as f17, a.f18 - b.f18 as f18, a.f19 - b.f19 as f19, a.f20 - b.f20 as f20
        from (select row, id, t from readings) q
        asof join history a on a.id = q.id and a.t < q.t
        asof join history b on b.id = q.id and b.t < q.t - 604800000000
    )
    select row::bigint as row, name as user_id, make_timestamp(t) as "at", n::bigint as count_7d,
           f01 as f01_sum_7d, f02 as f02_sum_7d, f03 as f03_sum_7d, f04 as f04_sum_7d, f05 as f05_sum_7d,
           f06 as f06_sum_7d, f07 as f07_sum_7d, f08 as f08_sum_7d, f09 as f09_sum_7d, f10 as f10_sum_7d,
           f11 as f11_sum_7d, f12 as f12_sum_7d, f13 as f13_sum_7d, f14 as f14_sum_7d, f15 as f15_sum_7d,
           f16 as f16_sum_7d, f17 as f17_sum_7d, f18 as f18_sum_7d, f19 as f19_sum_7d, f20 as f20_sum_7d,
           f01 / nullif(n, 0) as f01_mean_7d, f02 / nullif(n, 0) as f02_mean_7d, f03 / nullif(n, 0) as f03_mean_7d, f04 / nullif(n, 0) as f04_mean_7d,
           f05 / nullif(n, 0) as f05_mean_7d, f06 / nullif(n, 0) as f06_mean_7d, f07 / nullif(n, 0) as f07_mean_7d, f08 / nullif(n, 0) as f08_mean_7d,
           f09 / nullif(n, 0) as f09_mean_7d, f10 / nullif(n, 0) as f10_mean_7d, f11 / nullif(n, 0) as f11_mean_7d, f12 / nullif(n, 0) as f12_mean_7d,
           f13 / nullif(n, 0) as f13_mean_7d, f14 / nullif(n, 0) as f14_mean_7d, f15 / nullif(n, 0) as f15_mean_7d, f16 / nullif(n, 0) as f16_mean_7d,
           f17 / nullif(n, 0) as f17_mean_7d, f18 / nullif(n, 0) as f18_mean_7d, f19 / nullif(n, 0) as f19_mean_7d, f20 / nullif(n, 0) as f20_mean_7d
    from found join users on users.id = found.id
) to '${output}' (format parquet, compression snappy)
