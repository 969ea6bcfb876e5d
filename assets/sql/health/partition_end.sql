-- Tables partitioned by time, without a default partition, whose last one ends within a day, or is in use already and ends within
-- a month: then every insert fails. Where nothing was inserted into the last one, and it ended a year ago, the set is closed.
-- The partitions that were made last are looked at. To read where one ends opens it: where somebody locks one whole, or awaits
-- that, its table is left out, since any other end may not be the last.
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
    SELECT DISTINCT ON (p.partrelid) p.*, part.oid, part.since, part.till, part.shut
      FROM parents AS p
     CROSS JOIN LATERAL (SELECT x.oid, x.shut,
                                CASE WHEN NOT x.shut THEN coalesce(substring(x.bounds FROM 'FROM \(''([^'']+)''\)'),
                                                                    '-infinity')::timestamptz END AS since,
                                CASE WHEN NOT x.shut THEN coalesce(substring(x.bounds FROM 'TO \(''([^'']+)''\)$'),
                                                                    'infinity')::timestamptz END AS till
                           FROM (SELECT c.oid, c.shut, CASE WHEN NOT c.shut THEN pg_get_expr(c.relpartbound, c.oid) END AS bounds
                                   FROM (SELECT c.oid, c.relpartbound, c.oid IN (SELECT relation FROM whole) AS shut
                                           FROM pg_inherits AS h
                                           JOIN pg_class AS c ON c.oid = h.inhrelid
                                          WHERE h.inhparent = p.partrelid
                                          ORDER BY h.inhrelid DESC
                                          LIMIT 30) AS c
                                 OFFSET 0) AS x) AS part
     ORDER BY p.partrelid, part.shut DESC, part.till DESC
)
(SELECT format('%I.%I', nspname, relname) AS object,
        format('its last partition ends at %s, and there is no default one', till) AS figure,
        format('CREATE TABLE %I.… PARTITION OF %I.%I FOR VALUES FROM (%L) TO (…);', nspname, nspname, relname, till) AS fix,
        CASE WHEN used = 0 OR till > now() + interval '7 days' THEN 'note' WHEN till < now() THEN 'critical' END AS grade
   FROM ends
  CROSS JOIN LATERAL (SELECT pg_stat_get_tuples_inserted(oid) AS used) AS u
  WHERE (till < now() + interval '1 day' OR (since < now() AND till < now() + interval '31 days'))
    AND (used > 0 OR till > now() - interval '1 year')
  ORDER BY till
  LIMIT 20)
UNION ALL
SELECT '', format('%s partitioned tables were not looked at: somebody has locked a partition whole', count(*)), '', 'unknown'
  FROM ends
 WHERE shut
HAVING count(*) > 0
