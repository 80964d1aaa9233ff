-- Scan, filter, group: late flights of short routes by airport.
copy (
    select origin, count(*) as count, sum(delay)::${bigint} as delay_sum, max(delay)::${bigint} as delay_max
    from ${flights}
    where delay >= 15 and distance < 1000
    group by origin
) to '${output}' (format parquet, compression snappy)
