select from changed
