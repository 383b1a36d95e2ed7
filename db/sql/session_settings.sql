-- $1 text: the statement_timeout in milliseconds. Every session gets these settings, independent of the defaults of the
-- role and the database. A statement sets them, because poolers refuse settings in the startup message. Generic plans:
-- with a new plan for each execution, PostgreSQL would plan for longer than it executes. A setting that this server
-- does not have is left out.
select set_config(s.name, s.setting, false)
from (values ('statement_timeout', $1),
             ('lock_timeout', '0'),
             ('idle_session_timeout', '0'),
             ('idle_in_transaction_session_timeout', '0'),
             ('transaction_timeout', '0'),
             ('default_transaction_isolation', 'read committed'),
             ('default_transaction_deferrable', 'off'),
             ('search_path', 'public'),
             ('plan_cache_mode', 'force_generic_plan'),
             ('jit', 'off'),
             ('row_security', 'on'),
             ('TimeZone', 'UTC'),
             ('DateStyle', 'ISO'),
             ('IntervalStyle', 'postgres'),
             ('bytea_output', 'hex'),
             ('extra_float_digits', '1'),
             ('client_min_messages', 'warning'),
             ('client_connection_check_interval', case when version() like '%linux%' then '2000' end))
     as s (name, setting)
where s.setting is not null and current_setting(s.name, true) is not null
