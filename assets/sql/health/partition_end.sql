-- Tables partitioned by time whose partitions end within a week, without a default one: then every insert fails. Where nothing is
-- inserted into the last partition the set is a closed one. The partitions that were made last are looked at.
WITH parents AS (
    SELECT p.partrelid, n.nspname, c.relname
      FROM pg_partitioned_table AS p
      JOIN pg_class AS c ON c.oid = p.partrelid
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
     WHERE p.partstrat = 'r' AND p.partnatts = 1 AND p.partdefid = 0
       AND a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
     ORDER BY p.partrelid DESC
     LIMIT 300
), ends AS (
    SELECT DISTINCT ON (p.partrelid) p.*, part.oid, part.till
      FROM parents AS p
     CROSS JOIN LATERAL (SELECT x.oid, coalesce(substring(pg_get_expr(x.relpartbound, x.oid) FROM 'TO \(''([^'']+)''\)$'),
                                                'infinity')::timestamptz AS till
                           FROM pg_inherits AS h
                           JOIN pg_class AS x ON x.oid = h.inhrelid
                          WHERE h.inhparent = p.partrelid
                          ORDER BY h.inhrelid DESC
                          LIMIT 30) AS part
     ORDER BY p.partrelid, part.till DESC
)
SELECT format('%I.%I', nspname, relname) AS object,
       format('its last partition ends at %s, and there is no default one', till) AS figure,
       format('CREATE TABLE %I.… PARTITION OF %I.%I FOR VALUES FROM (%L) TO (…);', nspname, nspname, relname, till) AS fix,
       CASE WHEN till < now() THEN 'critical' END AS grade
  FROM ends
 WHERE till < now() + interval '7 days' AND pg_stat_get_tuples_inserted(oid) > 0
 ORDER BY till
 LIMIT 20
