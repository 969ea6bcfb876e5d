-- Sequences that have used three quarters of what they, or the column that they fill, can hold.
SELECT format('%I.%I', s.schemaname, s.sequencename) AS object,
       format('at %s of %s', s.last_value, room.most) AS figure,
       CASE WHEN room.most < s.max_value OR s.data_type <> 'bigint'::regtype
            THEN 'let the column and its sequence be bigint' ELSE 'ALTER SEQUENCE … MAXVALUE, or CYCLE' END AS fix,
       CASE WHEN s.last_value > 0.95 * room.most THEN 'critical' END AS grade
  FROM pg_sequences AS s
  JOIN pg_class AS c ON c.relname = s.sequencename
  JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = s.schemaname
  LEFT JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
   AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
  LEFT JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
 CROSS JOIN LATERAL (SELECT least(s.max_value, CASE a.atttypid WHEN 'int2'::regtype THEN 32767
                                                               WHEN 'int4'::regtype THEN 2147483647
                                                               ELSE s.max_value END) AS most) AS room
 WHERE c.relkind = 'S' AND NOT s.cycle AND s.increment_by > 0 AND s.last_value > 0.75 * room.most
 ORDER BY s.last_value::float8 / room.most DESC
 LIMIT 20
