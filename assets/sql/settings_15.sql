-- All settings that our role may see, with the text that SHOW prints, and whether ALTER SYSTEM is denied to us for each.
SELECT name, setting, current_setting(name, true) AS shown, unit, context, vartype, min_val, max_val,
       enumvals::text AS enumvals, boot_val, reset_val, source, sourcefile, pending_restart,
       NOT has_parameter_privilege(name, 'ALTER SYSTEM') AS denied
  FROM pg_settings
 ORDER BY name
