-- A server that only reads, follows the changes, and makes related lists: `./dev migrate grant reader ROLE`.
grant usage on schema public to :"role";
grant select on sections, authors, tags, articles, article_authors, article_tags, article_related,
    article_views, article_cards, related_views, stale_gates, stale_marks, related_queue, related_failures
    to :"role";
grant execute on function change_log_since(text), change_log_trim(interval), work_marks(integer),
    related_new(integer), related_take(integer, bigint), related_sources(bigint[]),
    related_sources_of(bigint[]), related_lock_terms(bigint[]), related_terms_of(integer[]), related_write_terms(integer[], bigint[], bytea[], text[], bigint[], bigint[]),
    related_write_articles(smallint, bigint[], timestamptz[], bigint[], text[], integer[], real[], bigint[], bytea[], bytea[],
                           bytea[]),
    related_read_done(bigint[], bigint[], bigint[], smallint, smallint), related_take_lists(integer, bigint),
    related_vectors(bigint[]), related_stories(bigint[]), related_newest(bigint[], integer),
    related_write_lists(smallint, smallint, bigint, bigint[], bigint[], smallint[], bigint[], real[], bigint[], real[],
                        bigint[], smallint, bigint[]),
    related_failed(bigint, text), related_slow_pass(smallint, interval, integer),
    related_status(),
    article_views_now(bigint[]), related_views_now(bigint[]) to :"role";
