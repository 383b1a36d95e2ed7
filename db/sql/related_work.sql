-- $1 integer: does up to so many articles' part of the work on related lists. Returns how many articles it dealt
-- with, 0 where there is nothing to do; and the articles on which PostgreSQL failed, with the reason of the first.
select done, keys_pack(failed), reason from related_work($1)
