-- Sort orders that were another version when the database, or the collation, was made: indexes over text may be out of order.
SELECT object, format('made with %s, the system has %s', was, is_now) AS figure, fix
  FROM (SELECT format('database %I', d.datname) AS object, to_jsonb(d) ->> 'datcollversion' AS was,
               pg_collation_actual_version(100) AS is_now,
               format('REINDEX DATABASE %I; then ALTER DATABASE %I REFRESH COLLATION VERSION;', d.datname, d.datname) AS fix
          FROM pg_database AS d
         WHERE d.datname = current_database()
        UNION ALL
        SELECT format('%I.%I', n.nspname, c.collname), c.collversion, pg_collation_actual_version(c.oid),
               format('REINDEX what uses it; then ALTER COLLATION %I.%I REFRESH VERSION;', n.nspname, c.collname)
          FROM pg_collation AS c
          JOIN pg_namespace AS n ON n.oid = c.collnamespace
         WHERE c.collversion IS NOT NULL
           AND (n.nspname <> 'pg_catalog' OR EXISTS (SELECT 1 FROM pg_depend AS d
                                                      WHERE d.refclassid = 'pg_collation'::regclass AND d.refobjid = c.oid))) AS version
 WHERE was <> is_now
 ORDER BY object
 LIMIT 20
