-- Prepared transactions that nobody has ended for a second and more, after a minute certainly left behind: they hold locks and keep dead rows.
SELECT gid AS object,
       format('prepared %s ago by %s', date_trunc('second', clock_timestamp() - prepared), owner) AS figure,
       format('ROLLBACK PREPARED %L; -- or COMMIT PREPARED', gid) AS fix,
       CASE WHEN clock_timestamp() - prepared < interval '1 minute' THEN 'note' END AS grade
  FROM pg_prepared_xacts
 WHERE clock_timestamp() - prepared >= interval '1 second'
 ORDER BY prepared
 LIMIT 20
