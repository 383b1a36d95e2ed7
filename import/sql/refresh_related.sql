select related_refresh($1::integer)
