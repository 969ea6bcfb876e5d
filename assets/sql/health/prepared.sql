-- Prepared transactions that nobody has ended for a minute and more: they hold locks and keep dead rows.
SELECT gid AS object,
       format('prepared %s ago by %s', date_trunc('second', clock_timestamp() - prepared), owner) AS figure,
       format('ROLLBACK PREPARED %L; -- or COMMIT PREPARED', gid) AS fix
  FROM pg_prepared_xacts
 WHERE clock_timestamp() - prepared > interval '1 minute'
 ORDER BY prepared
 LIMIT 20
