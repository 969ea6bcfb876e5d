-- B-tree indexes that take more than two and a half times the room that their entries need, by the widths of pg_stats: an
-- estimate, and a careful one, for equal entries share their room since PostgreSQL 13. The last row says what was hidden.
WITH large AS (
    SELECT c.oid, n.nspname, c.relname, t.relname AS table_name, i.indrelid, i.indkey, c.relpages, c.reltuples,
           current_setting('block_size')::bigint AS size,
           coalesce((SELECT split_part(o, '=', 2)::numeric FROM unnest(c.reloptions) AS o WHERE o LIKE 'fillfactor=%'), 90) AS fill
      FROM pg_index AS i
      JOIN pg_class AS c ON c.oid = i.indexrelid
      JOIN pg_class AS t ON t.oid = i.indrelid
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
     WHERE c.relkind = 'i' AND c.relpages >= 128 AND c.reltuples >= 0 AND i.indisvalid AND i.indexprs IS NULL
       AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
     ORDER BY c.relpages DESC
     LIMIT 1000
), needed AS (
    SELECT l.*, entry.columns,
           greatest(ceil(l.reltuples * (12 + 8 * ceil(entry.width / 8.0)) / (l.size - 40) * 100 / l.fill), 1)::bigint AS pages
      FROM large AS l
     CROSS JOIN LATERAL (SELECT sum((1 - s.null_frac) * s.avg_width) AS width, count(*) AS columns
                           FROM pg_attribute AS a
                           JOIN pg_stats AS s ON s.schemaname = l.nspname AND s.tablename = l.table_name
                            AND s.attname = a.attname AND NOT s.inherited
                          WHERE a.attrelid = l.indrelid AND a.attnum = ANY (l.indkey::int2[])) AS entry
)
(SELECT format('%I.%I', nspname, relname) AS object,
        format('%s for about %s of entries', pg_size_pretty(relpages * size), pg_size_pretty(pages * size)) AS figure,
        format('REINDEX INDEX CONCURRENTLY %I.%I;', nspname, relname) AS fix, NULL AS grade
   FROM needed
  WHERE columns > 0 AND relpages > 2.5 * pages
  ORDER BY relpages - pages DESC
  LIMIT 20)
UNION ALL
SELECT '', format('%s large indexes were not looked at: this role may not read their tables (pg_read_all_data)', count(*)), '',
       'unknown'
  FROM needed
 WHERE columns = 0 AND NOT has_table_privilege(indrelid, 'SELECT')
HAVING count(*) > 0
