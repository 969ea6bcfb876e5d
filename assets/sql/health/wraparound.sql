-- Databases whose oldest transaction is well past the age at which autovacuum freezes: it does not get through. At two
-- thousand million the server stops to take writes.
SELECT quote_ident(datname) AS object,
       format('oldest transaction %s old, autovacuum_freeze_max_age %s', age(datfrozenxid),
              current_setting('autovacuum_freeze_max_age')) AS figure,
       'VACUUM (FREEZE) its oldest tables; end what holds them back: old transactions, prepared ones, slots' AS fix,
       CASE WHEN age(datfrozenxid) > 1200000000 THEN 'critical' END AS grade
  FROM pg_database
 WHERE age(datfrozenxid) > 1.2 * current_setting('autovacuum_freeze_max_age')::float8
 ORDER BY age(datfrozenxid) DESC
 LIMIT 20
