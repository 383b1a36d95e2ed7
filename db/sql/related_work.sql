-- $1 integer: does a part of the work on related lists, for at most this number of articles. Returns the number of
-- articles, 0 when there is nothing to do; and the articles on which PostgreSQL failed, with the reason of the first
-- failure.
select done, keys_pack(failed), reason from related_work($1)
