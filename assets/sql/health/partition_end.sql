-- Tables partitioned by time whose partitions end within a week, without a default one: then every insert fails. Where nothing is
-- inserted into the last partition the set is a closed one. The partitions that were made last are looked at. To read where one
-- ends opens it: where somebody locks one whole, or awaits that, its table is left out, since any other end may not be the last.
WITH whole AS MATERIALIZED (
    SELECT relation FROM pg_locks
     WHERE mode = 'AccessExclusiveLock' AND locktype = 'relation'
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), parents AS (
    SELECT p.partrelid, n.nspname, c.relname
      FROM pg_partitioned_table AS p
      JOIN pg_class AS c ON c.oid = p.partrelid
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
     WHERE p.partstrat = 'r' AND p.partnatts = 1 AND p.partdefid = 0
       AND a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
     ORDER BY p.partrelid DESC
     LIMIT 300
), ends AS MATERIALIZED (
    SELECT DISTINCT ON (p.partrelid) p.*, part.oid, part.till, part.shut
      FROM parents AS p
     CROSS JOIN LATERAL (SELECT x.oid, x.shut,
                                CASE WHEN NOT x.shut THEN coalesce(substring(pg_get_expr(x.relpartbound, x.oid)
                                     FROM 'TO \(''([^'']+)''\)$'), 'infinity')::timestamptz END AS till
                           FROM (SELECT c.oid, c.relpartbound, c.oid IN (SELECT relation FROM whole) AS shut
                                   FROM pg_inherits AS h
                                   JOIN pg_class AS c ON c.oid = h.inhrelid
                                  WHERE h.inhparent = p.partrelid
                                  ORDER BY h.inhrelid DESC
                                  LIMIT 30) AS x) AS part
     ORDER BY p.partrelid, part.shut DESC, part.till DESC
)
(SELECT format('%I.%I', nspname, relname) AS object,
        format('its last partition ends at %s, and there is no default one', till) AS figure,
        format('CREATE TABLE %I.… PARTITION OF %I.%I FOR VALUES FROM (%L) TO (…);', nspname, nspname, relname, till) AS fix,
        CASE WHEN till < now() THEN 'critical' END AS grade
   FROM ends
  WHERE till < now() + interval '7 days' AND pg_stat_get_tuples_inserted(oid) > 0
  ORDER BY till
  LIMIT 20)
UNION ALL
SELECT '', format('%s partitioned tables were not looked at: somebody has locked a partition whole', count(*)), '', 'unknown'
  FROM ends
 WHERE shut
HAVING count(*) > 0
