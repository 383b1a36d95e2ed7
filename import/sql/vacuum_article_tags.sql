-- After a large import: counting the articles of a tag then needs its index alone.
vacuum (analyze) article_tags
