-- The same by its definition: each reading joined with those of its window. For
-- small inputs: what the others are held against.
copy (
    with
    sums as (
        select q.row, count(*) as n,
               sum(r.f01) as f01, sum(r.f02) as f02, sum(r.f03) as f03, sum(r.f04) as f04, sum(r.f05) as f05,
               sum(r.f06) as f06, sum(r.f07) as f07, sum(r.f08) as f08, sum(r.f09) as f09, sum(r.f10) as f10,
               sum(r.f11) as f11, sum(r.f12) as f12, sum(r.f13) as f13, sum(r.f14) as f14, sum(r.f15) as f15,
               sum(r.f16) as f16, sum(r.f17) as f17, sum(r.f18) as f18, sum(r.f19) as f19, sum(r.f20) as f20
        from (select file_row_number as row, user_id, "at" from ${readings}) q
        join ${readings} r on r.user_id = q.user_id and r."at" >= q."at" - interval 7 days and r."at" < q."at"
        group by q.row
    )
    select q.file_row_number as row, q.user_id, q."at", coalesce(n, 0)::bigint as count_7d,
           coalesce(s.f01, 0) as f01_sum_7d, coalesce(s.f02, 0) as f02_sum_7d, coalesce(s.f03, 0) as f03_sum_7d, coalesce(s.f04, 0) as f04_sum_7d, coalesce(s.f05, 0) as f05_sum_7d,
           coalesce(s.f06, 0) as f06_sum_7d, coalesce(s.f07, 0) as f07_sum_7d, coalesce(s.f08, 0) as f08_sum_7d, coalesce(s.f09, 0) as f09_sum_7d, coalesce(s.f10, 0) as f10_sum_7d,
           coalesce(s.f11, 0) as f11_sum_7d, coalesce(s.f12, 0) as f12_sum_7d, coalesce(s.f13, 0) as f13_sum_7d, coalesce(s.f14, 0) as f14_sum_7d, coalesce(s.f15, 0) as f15_sum_7d,
           coalesce(s.f16, 0) as f16_sum_7d, coalesce(s.f17, 0) as f17_sum_7d, coalesce(s.f18, 0) as f18_sum_7d, coalesce(s.f19, 0) as f19_sum_7d, coalesce(s.f20, 0) as f20_sum_7d,
           s.f01 / n as f01_mean_7d, s.f02 / n as f02_mean_7d, s.f03 / n as f03_mean_7d, s.f04 / n as f04_mean_7d, s.f05 / n as f05_mean_7d,
           s.f06 / n as f06_mean_7d, s.f07 / n as f07_mean_7d, s.f08 / n as f08_mean_7d, s.f09 / n as f09_mean_7d, s.f10 / n as f10_mean_7d,
           s.f11 / n as f11_mean_7d, s.f12 / n as f12_mean_7d, s.f13 / n as f13_mean_7d, s.f14 / n as f14_mean_7d, s.f15 / n as f15_mean_7d,
           s.f16 / n as f16_mean_7d, s.f17 / n as f17_mean_7d, s.f18 / n as f18_mean_7d, s.f19 / n as f19_mean_7d, s.f20 / n as f20_mean_7d
    from ${readings} q left join sums s on s.row = q.file_row_number
) to '${output}' (format parquet, compression snappy)
