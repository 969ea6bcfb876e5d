-- Values of a role or a database that hide the system-wide ones; those that reach this session first.
SELECT split_part(c.pair, '=', 1) AS name,
       substr(c.pair, strpos(c.pair, '=') + 1) AS value,
       coalesce(r.rolname, '') AS role,
       coalesce(d.datname, '') AS database,
       (SELECT count(*) FROM pg_stat_activity AS a
         WHERE a.datid IS NOT NULL AND a.usesysid IS NOT NULL
           AND (s.setrole = 0 OR a.usesysid = s.setrole)
           AND (s.setdatabase = 0 OR a.datid = s.setdatabase)) AS sessions
  FROM pg_db_role_setting AS s
 CROSS JOIN LATERAL unnest(s.setconfig) AS c (pair)
  LEFT JOIN pg_roles AS r ON r.oid = s.setrole
  LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
 ORDER BY (coalesce(r.rolname, current_user) = current_user
           AND coalesce(d.datname, current_database()) = current_database()) DESC, 3, 4, 1
 LIMIT 33
