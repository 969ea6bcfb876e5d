-- The tables that change most: updates that found room on the same page, dead rows, and what is set for them.
SELECT n.nspname AS schema, c.relname AS "table",
       c.relpages::float8 * current_setting('block_size')::float8 AS bytes,
       pg_stat_get_tuples_updated(c.oid) AS updated, pg_stat_get_tuples_hot_updated(c.oid) AS hot,
       pg_stat_get_live_tuples(c.oid) AS live, pg_stat_get_dead_tuples(c.oid) AS dead,
       pg_stat_get_autovacuum_count(c.oid) AS vacuums,
       array_to_string(c.reloptions, ',') AS options,
       (SELECT count(*) FROM pg_index AS i WHERE i.indrelid = c.oid) AS indexes
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpages >= 128 AND n.nspname <> 'pg_catalog' AND c.relpersistence = 'p'
 ORDER BY pg_stat_get_tuples_updated(c.oid) + pg_stat_get_dead_tuples(c.oid) DESC, c.relpages DESC
 LIMIT 20
