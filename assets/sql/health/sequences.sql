-- Which sequences to look at: those of the largest tables, no more than 300. The answer is the statement that reads where they
-- stand, and which has used three quarters of what it, or the column that it fills, can hold: a plain SELECT of each, for
-- pg_sequences would lock them as if they were written. Its last rows say how many were left out, and why.
WITH known AS MATERIALIZED (
    SELECT q.seqrelid, q.seqtypid, q.seqmax, d.refobjid, d.refobjsubid, coalesce(t.reltuples, 0) AS rows,
           has_sequence_privilege(q.seqrelid, 'SELECT') AS allowed
      FROM pg_sequence AS q
      LEFT JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = q.seqrelid
       AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
      LEFT JOIN pg_class AS t ON t.oid = d.refobjid
     WHERE NOT q.seqcycle AND q.seqincrement > 0
), chosen AS (
    SELECT k.*, format('%I.%I', n.nspname, c.relname) AS name,
           least(k.seqmax, CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE k.seqmax END)
           AS most
      FROM (SELECT * FROM known WHERE allowed ORDER BY rows DESC, seqrelid LIMIT 300) AS k
      JOIN pg_class AS c ON c.oid = k.seqrelid AND c.relpersistence <> 't'
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      LEFT JOIN pg_attribute AS a ON a.attrelid = k.refobjid AND a.attnum = k.refobjsubid
), counted AS (
    SELECT count(*) FILTER (WHERE allowed) - 300 AS smaller, count(*) FILTER (WHERE NOT allowed) AS hidden FROM known
)
SELECT format('SELECT * FROM (SELECT name AS object, format(''at %%s of %%s'', at, most) AS figure,
                       CASE WHEN narrow THEN ''let the column and its sequence be bigint'' ELSE ''ALTER SEQUENCE … MAXVALUE, or CYCLE'' END
                       AS fix, CASE WHEN at > 0.95 * most THEN ''critical'' END AS grade
                  FROM (%s) AS s WHERE at > 0.75 * most ORDER BY at::float8 / most DESC LIMIT 20) AS near',
              string_agg(format('SELECT %L AS name, last_value AS at, %s::bigint AS most, %s AS narrow FROM %s', name, most,
                                CASE WHEN most < seqmax OR seqtypid <> 'int8'::regtype THEN 'true' ELSE 'false' END, name),
                         ' UNION ALL '))
       || (SELECT CASE WHEN smaller > 0 THEN format(' UNION ALL SELECT '''', ''%s sequences of smaller tables were not looked at'', '''',
                                                    ''unknown''', smaller) ELSE '' END
                  || CASE WHEN hidden > 0 THEN format(' UNION ALL SELECT '''', ''%s sequences were not looked at: this role may not read them'', '''', ''unknown''', hidden) ELSE '' END FROM counted) AS ask
  FROM chosen
HAVING count(*) > 0
UNION ALL
SELECT format('SELECT '''' AS object, ''%s sequences were not looked at: this role may not read them'' AS figure, '''' AS fix,
              ''unknown'' AS grade', hidden)
  FROM counted
 WHERE hidden > 0 AND NOT EXISTS (SELECT 1 FROM chosen)
