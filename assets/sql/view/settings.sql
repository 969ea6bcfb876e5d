-- All settings: those that differ from the compiled-in default first. What our own session has set for itself is shown as others have it;
-- passwords within a value are not shown.
SELECT name,
       regexp_replace(CASE WHEN source IN ('session', 'client') THEN concat_ws(' ', reset_val, unit) ELSE current_setting(name, true) END,
                      '(pass(word|phrase)\s*=\s*)(''[^'']*''|[^\s'']+)', '\1***', 'gi') AS value,
       setting IS DISTINCT FROM boot_val AND source NOT IN ('default', 'override', 'session', 'client')
         OR source = 'session' AND reset_val IS DISTINCT FROM boot_val AS differs,
       pending_restart,
       CASE WHEN source IN ('session', 'client') THEN 'this session' ELSE source END AS source,
       sourcefile || coalesce(':' || sourceline, '') AS place, context, vartype, category,
       concat_ws(' ', boot_val, unit) AS boot, concat_ws(' to ', min_val, max_val) AS range,
       array_to_string(enumvals, ', ') AS choices, concat_ws(' ', short_desc, extra_desc) AS description,
       CASE WHEN count(sourcefile) OVER () = 0
            THEN 'file and line need pg_read_all_settings: GRANT pg_read_all_settings TO ' || quote_ident(current_user) END AS note
  FROM pg_catalog.pg_settings
 ORDER BY differs DESC, name
 LIMIT 501
