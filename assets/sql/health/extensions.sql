-- Extensions whose installed version is older than the files on the server.
SELECT quote_ident(name) AS object, format('%s, the server has %s', installed_version, default_version) AS figure,
       format('ALTER EXTENSION %I UPDATE;', name) AS fix
  FROM pg_available_extensions
 WHERE installed_version IS NOT NULL AND installed_version <> default_version
 ORDER BY name
 LIMIT 20
