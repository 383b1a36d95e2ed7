-- The documents of the articles of this chunk.
select article_views_write(array(select article_id from changed))
