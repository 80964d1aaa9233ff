-- Order of rows means nothing in any job; without it DuckDB copies in parallel.
set preserve_insertion_order = false;
${budget}
set threads = ${threads};
set temp_directory = '${temp}';
set TimeZone = 'UTC'
