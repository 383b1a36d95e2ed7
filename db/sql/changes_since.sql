-- $1 text: the position of the last read of the change log, '' before the first.
select c.reached,
       c.everything,
       array(select ('x' || encode(substr(c.ids, 8 * i + 1, 8), 'hex'))::bit(64)::bigint * 16 + 1
             from generate_series(0, coalesce(length(c.ids), 0) / 8 - 1) i),
       null::text
from change_log_since($1) c
