-- Roles beside the first one that log in as superusers.
SELECT quote_ident(rolname) AS object, 'may do everything here, and run programs on the host' AS figure,
       format('ALTER ROLE %I NOSUPERUSER; then GRANT it what it needs: pg_monitor, pg_read_all_data …', rolname) AS fix
  FROM pg_roles
 WHERE rolsuper AND rolcanlogin AND oid <> 10
 ORDER BY rolname
 LIMIT 20
