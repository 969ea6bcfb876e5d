-- Tables that take more than twice the room that their rows need, by the widths of pg_stats: an estimate. The last row says
-- what was hidden.
(SELECT object, figure, fix, NULL AS grade
  FROM (SELECT format('%I.%I', n.nspname, c.relname) AS object,
               format('%s for about %s of rows', pg_size_pretty(c.relpages::bigint * bs.size),
                      pg_size_pretty((need.pages * bs.size)::bigint)) AS figure,
               format('VACUUM (FULL) %I.%I; -- locks the table; pg_repack does not', n.nspname, c.relname) AS fix,
               c.relpages - need.pages AS lost
          FROM pg_class AS c
          JOIN pg_namespace AS n ON n.oid = c.relnamespace
         CROSS JOIN (SELECT current_setting('block_size')::bigint AS size) AS bs
         CROSS JOIN LATERAL (SELECT sum((1 - s.null_frac) * s.avg_width) AS width, count(*) AS columns
                               FROM pg_stats AS s
                              WHERE s.schemaname = n.nspname AND s.tablename = c.relname) AS row
         CROSS JOIN LATERAL (SELECT coalesce((SELECT split_part(o, '=', 2)::numeric
                                                FROM unnest(c.reloptions) AS o WHERE o LIKE 'fillfactor=%'), 100) AS fill) AS f
         CROSS JOIN LATERAL (SELECT ceil(c.reltuples * (row.width + 32) / (bs.size - 24) * 100 / f.fill) AS pages) AS need
         WHERE c.relkind IN ('r', 'm') AND c.relpages >= 128 AND c.reltuples >= 0 AND row.columns > 0
           AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
           AND c.relpages > 2 * greatest(need.pages, 1)) AS found
 ORDER BY lost DESC
 LIMIT 20)
UNION ALL
SELECT '', format('%s large tables were not looked at: this role may not read them (pg_read_all_data)', count(*)), '', 'unknown'
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'm') AND c.relpages >= 128 AND NOT has_table_privilege(c.oid, 'SELECT')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
HAVING count(*) > 0
