select done from related_work($1::integer)
