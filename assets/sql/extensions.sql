-- One row: the schemas of extensions that can say more. Of HypoPG the function itself is looked for: it is the extension's own, in C
-- and a superuser's, so that no other function of that name can be meant by its schema, name and argument.
SELECT (SELECT n.nspname
          FROM pg_extension AS e
          JOIN pg_namespace AS n ON n.oid = e.extnamespace
         WHERE e.extname = 'pg_stat_statements') AS statements,
       (SELECT n.nspname
          FROM pg_extension AS e
          JOIN pg_depend AS d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
           AND d.classid = 'pg_proc'::regclass
          JOIN pg_proc AS p ON p.oid = d.objid
          JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'c'
          JOIN pg_roles AS r ON r.oid = p.proowner AND r.rolsuper
          JOIN pg_namespace AS n ON n.oid = p.pronamespace
         WHERE e.extname = 'hypopg' AND p.proname = 'hypopg_create_index' AND p.proargtypes = '25'::oidvector) AS hypopg
