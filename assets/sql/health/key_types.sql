-- Foreign keys whose columns are of another type than those that they refer to.
SELECT format('%s (%I)', k.conrelid::regclass, k.conname) AS object,
       string_agg(format('%I is %s, %I of %s is %s', a.attname, a.atttypid::regtype, r.attname, k.confrelid::regclass,
                         r.atttypid::regtype), '; ') AS figure,
       'let both be of the wider type' AS fix
  FROM pg_constraint AS k
 CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS x(mine, its)
  JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = x.mine
  JOIN pg_attribute AS r ON r.attrelid = k.confrelid AND r.attnum = x.its
 WHERE k.contype = 'f' AND k.conparentid = 0 AND a.atttypid <> r.atttypid
 GROUP BY k.oid, k.conrelid, k.confrelid, k.conname
 ORDER BY 1
 LIMIT 20
