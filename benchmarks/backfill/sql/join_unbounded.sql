-- The same without a budget.
copy (
    select e.user_id, e."at", e.cents, p.country, p.since, score1, score2, score3, score4, score5, score6, score7, score8
    from ${events} e join read_parquet('${side}') p on p.user_id = e.user_id
) to '${output}' (format parquet, compression snappy)
