-- Default partitions that hold rows: a partition for them is missing, and none can be added without looking through them.
SELECT format('%I.%I', n.nspname, c.relname) AS object, format('%s rows in the default partition', rows) AS figure,
       'make partitions for these rows and move them' AS fix,
       CASE WHEN rows < 1000 THEN 'note' END AS grade
  FROM pg_partitioned_table AS p
  JOIN pg_class AS c ON c.oid = p.partdefid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (SELECT greatest(c.reltuples::bigint, pg_stat_get_live_tuples(c.oid)) AS rows) AS r
 WHERE rows > 0
 ORDER BY rows DESC
 LIMIT 20
