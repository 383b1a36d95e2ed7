select related_parse($1)
