-- What readers get of the articles of this chunk.
select articles_changed(array(select article_id from changed))
