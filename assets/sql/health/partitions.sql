-- Default partitions that hold rows: a partition for them is missing, and none can be added without looking through them.
SELECT format('%I.%I', n.nspname, c.relname) AS object, format('%s rows in the default partition', c.reltuples::bigint) AS figure,
       'make partitions for these rows and move them' AS fix
  FROM pg_partitioned_table AS p
  JOIN pg_class AS c ON c.oid = p.partdefid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.reltuples >= 1000
 ORDER BY c.reltuples DESC
 LIMIT 20
