-- Published tables whose rows cannot be told apart: an UPDATE or DELETE of them fails.
SELECT format('%I.%I', n.nspname, c.relname) AS object,
       format('published by %s, without a replica identity', string_agg(DISTINCT quote_ident(p.pubname), ', ')) AS figure,
       format('ALTER TABLE %I.%I ADD PRIMARY KEY (…); or REPLICA IDENTITY FULL', n.nspname, c.relname) AS fix
  FROM (SELECT prpubid, prrelid FROM pg_publication_rel
        UNION ALL
        SELECT p.oid, c.oid FROM pg_publication AS p, pg_class AS c
         WHERE p.puballtables AND c.relkind = 'r' AND c.relpersistence = 'p' AND c.oid >= 16384) AS m
  JOIN pg_publication AS p ON p.oid = m.prpubid AND (p.pubupdate OR p.pubdelete)
  JOIN pg_class AS c ON c.oid = m.prrelid AND c.relkind = 'r'
  JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
 WHERE c.relreplident = 'n'
    OR (c.relreplident = 'd' AND NOT EXISTS (SELECT 1 FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indisvalid))
 GROUP BY n.nspname, c.relname
 ORDER BY 1
 LIMIT 20
