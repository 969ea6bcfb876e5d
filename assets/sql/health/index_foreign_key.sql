-- Foreign keys of tables of some size whose columns no index begins with: each delete of the other side reads the whole table.
SELECT format('%s (%s)', k.conrelid::regclass, k.conname) AS object,
       format('%s rows, no index on %s', rows,
              (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY x.n)
                 FROM unnest(k.conkey) WITH ORDINALITY AS x(attnum, n)
                 JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = x.attnum)) AS figure,
       format('CREATE INDEX CONCURRENTLY ON %s (%s);', k.conrelid::regclass,
              (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY x.n)
                 FROM unnest(k.conkey) WITH ORDINALITY AS x(attnum, n)
                 JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = x.attnum)) AS fix,
       CASE WHEN rows < 1000 THEN 'note' END AS grade
  FROM pg_constraint AS k
  JOIN pg_class AS c ON c.oid = k.conrelid
 CROSS JOIN LATERAL (SELECT greatest(c.reltuples::bigint, pg_stat_get_live_tuples(c.oid)) AS rows) AS r
 WHERE k.contype = 'f' AND c.relkind = 'r' AND rows >= 100
   AND NOT EXISTS (SELECT 1
                     FROM pg_index AS i
                    WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
                      AND (SELECT count(*) FROM unnest(k.conkey) AS f(attnum)
                            WHERE f.attnum = ANY ((string_to_array(i.indkey::text, ' ')::int2[])[1:cardinality(k.conkey)]))
                          = cardinality(k.conkey))
 ORDER BY rows DESC
 LIMIT 20
