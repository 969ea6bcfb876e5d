-- The columns of the tables whose rows sequential scans have read most: what pg_stats knows of their values, and whether a
-- valid index of the whole table begins with them. The catalog alone is read; what our role may not see of a column is NULL.
WITH scanned AS MATERIALIZED (
    SELECT c.oid, n.nspname, c.relname, c.reltuples, c.relpages::float8 * current_setting('block_size')::float8 AS bytes,
           pg_stat_get_numscans(c.oid) AS scans, pg_stat_get_tuples_returned(c.oid) AS rows_read,
           pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid) + pg_stat_get_tuples_deleted(c.oid) AS writes
      FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND c.relpages >= 128 AND c.oid >= 16384
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
     ORDER BY pg_stat_get_tuples_returned(c.oid) DESC, c.relpages DESC
     LIMIT 12
)
SELECT t.nspname AS schema, t.relname AS "table", t.reltuples AS tuples, t.bytes, t.scans, t.rows_read, t.writes,
       a.attname AS "column", coalesce(a.attstattarget, -1) AS target,
       CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * greatest(t.reltuples, 0) ELSE s.n_distinct END AS values,
       s.null_frac AS nulls, s.avg_width AS width, s.most_common_freqs[1] AS common,
       EXISTS (SELECT 1 FROM pg_index AS i
                WHERE i.indrelid = t.oid AND i.indisvalid AND i.indpred IS NULL AND i.indkey[0] = a.attnum) AS leads,
       y.typtype = 'e' OR EXISTS (SELECT 1 FROM pg_opclass AS o
                                   WHERE o.opcmethod = 403 AND o.opcdefault
                                     AND o.opcintype IN (a.atttypid, y.typbasetype,
                                                         CASE WHEN a.atttypid = 'varchar'::regtype THEN 'text'::regtype END))
         AS ordered,
       a.atttypid IN ('text'::regtype, 'varchar'::regtype) AS texts -- a cast of bpchar to text cuts blanks off
  FROM scanned AS t
  JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type AS y ON y.oid = a.atttypid
  LEFT JOIN LATERAL (SELECT * FROM pg_stats AS p
                      WHERE p.schemaname = t.nspname AND p.tablename = t.relname AND p.attname = a.attname AND NOT p.inherited
                      LIMIT 1) AS s ON true
 ORDER BY t.rows_read DESC, t.bytes DESC, t.oid, a.attnum
 LIMIT 200
