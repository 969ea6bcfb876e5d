-- All settings that our role may see, with the text that SHOW prints.
SELECT name, setting, current_setting(name, true) AS shown, unit, context, vartype, min_val, max_val,
       enumvals::text AS enumvals, boot_val, reset_val, source, sourcefile, pending_restart
  FROM pg_settings
 ORDER BY name
