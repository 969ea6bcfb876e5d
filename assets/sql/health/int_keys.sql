-- Primary keys of four or two bytes that have come to three quarters of what they hold, by the histogram of their last ANALYZE.
-- Where a sequence fills one it is looked at by itself: rows may have come in past it. The last row says what was hidden.
WITH small AS MATERIALIZED (
    SELECT c.oid, n.nspname, c.relname, a.attname, c.reltuples,
           CASE a.atttypid WHEN 'int2'::regtype THEN 32767 ELSE 2147483647 END AS most
      FROM pg_index AS i
      JOIN pg_class AS c ON c.oid = i.indrelid
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
     WHERE i.indisprimary AND i.indnkeyatts = 1 AND c.relkind = 'r' AND c.reltuples >= 2
       AND a.atttypid IN ('int2'::regtype, 'int4'::regtype)
     ORDER BY c.reltuples DESC
     LIMIT 2000
), known AS MATERIALIZED (
    SELECT k.*, (SELECT reverse(split_part(reverse(btrim(s.histogram_bounds::text, '{}')), ',', 1))::bigint -- one look for each
                   FROM pg_stats AS s
                  WHERE s.schemaname = k.nspname AND s.tablename = k.relname AND s.attname = k.attname AND NOT s.inherited) AS at
      FROM small AS k
)
(SELECT format('%I.%I (%I)', nspname, relname, attname) AS object,
        format('at %s of %s when it was last analysed', at, most) AS figure,
        'let the column be bigint, and every column that refers to it' AS fix,
        CASE WHEN at > 0.95 * most THEN 'critical' END AS grade
   FROM known
  WHERE at > 0.75 * most
  ORDER BY at::float8 / most DESC
  LIMIT 20)
UNION ALL
SELECT '', format('%s tables were not looked at: this role may not read them (pg_read_all_data)', count(*)), '', 'unknown'
  FROM known
 WHERE NOT has_table_privilege(oid, 'SELECT')
HAVING count(*) > 0
