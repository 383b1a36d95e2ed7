select related_read($1::integer)
