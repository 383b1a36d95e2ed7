-- $1 text: the position that the last read of the change log reached, '' before the first. The keys are
-- those of base/entity.h. "unreliable" says why the database may not report changes, or is null.
select reached,
       everything,
       array(select ('x' || encode(substring(ids from 8 * i + 1 for 8), 'hex'))::bit(64)::bigint * 16 + 1
             from generate_series(0, octet_length(ids) / 8 - 1) i) as keys,
       null::text as unreliable
from change_log_since($1)
