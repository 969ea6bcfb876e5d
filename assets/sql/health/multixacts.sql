-- Databases whose oldest multixact is well past the age at which autovacuum freezes: the second counter that can run out.
SELECT quote_ident(datname) AS object,
       format('oldest multixact %s old, autovacuum_multixact_freeze_max_age %s', mxid_age(datminmxid),
              current_setting('autovacuum_multixact_freeze_max_age')) AS figure,
       'VACUUM (FREEZE) its oldest tables; end what holds them back: old transactions, prepared ones' AS fix,
       CASE WHEN mxid_age(datminmxid) > 1200000000 THEN 'critical' END AS grade
  FROM pg_database
 WHERE mxid_age(datminmxid) > 1.2 * current_setting('autovacuum_multixact_freeze_max_age')::float8
 ORDER BY mxid_age(datminmxid) DESC
 LIMIT 20
