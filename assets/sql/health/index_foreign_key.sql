-- Foreign keys of tables of some size whose columns no index begins with: each delete of the other side reads the whole table.
SELECT format('%s (%s)', k.conrelid::regclass, k.conname) AS object,
       format('%s rows, no index on %s', c.reltuples::bigint,
              (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY x.n)
                 FROM unnest(k.conkey) WITH ORDINALITY AS x(attnum, n)
                 JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = x.attnum)) AS figure,
       format('CREATE INDEX CONCURRENTLY ON %s (%s);', k.conrelid::regclass,
              (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY x.n)
                 FROM unnest(k.conkey) WITH ORDINALITY AS x(attnum, n)
                 JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = x.attnum)) AS fix
  FROM pg_constraint AS k
  JOIN pg_class AS c ON c.oid = k.conrelid
  JOIN pg_class AS r ON r.oid = k.confrelid
 WHERE k.contype = 'f' AND c.relkind = 'r' AND c.reltuples >= 1000 AND r.reltuples > 0
   AND NOT EXISTS (SELECT 1
                     FROM pg_index AS i
                    WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
                      AND (SELECT count(*) FROM unnest(k.conkey) AS f(attnum)
                            WHERE f.attnum = ANY ((string_to_array(i.indkey::text, ' ')::int2[])[1:cardinality(k.conkey)]))
                          = cardinality(k.conkey))
 ORDER BY c.reltuples DESC
 LIMIT 20
