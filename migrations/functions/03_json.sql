-- The JSON of parts of an article. The keys have the order of the contract (README.md).

-- RFC 3339 in UTC. The fraction is as short as possible: none, milliseconds or microseconds.
create or replace function rfc3339_json(t timestamptz) returns text
    language sql stable parallel safe
return '"' || to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
    || case when extract(microseconds from t)::bigint % 1000000 = 0 then ''
            when extract(microseconds from t)::bigint % 1000 = 0 then to_char(t at time zone 'UTC', '.MS')
            else to_char(t at time zone 'UTC', '.US') end
    || 'Z"';

create or replace function named_json(slug text, name text) returns text
    language sql stable parallel safe
return '{"slug":' || to_json(slug) || ',"name":' || to_json(name) || '}';

create or replace function text_json(t text) returns text
    language sql stable parallel safe
return coalesce(to_json(t)::text, 'null');

create or replace function image_json(url text, alt text, credit text, width integer, height integer) returns text
    language sql stable parallel safe
return case when url is null then 'null'
            else '{"url":' || to_json(url) || ',"alt":' || text_json(alt) || ',"credit":' || text_json(credit)
                || ',"width":' || coalesce(width::text, 'null') || ',"height":' || coalesce(height::text, 'null')
                || '}' end;

create or replace function corrections_json(corrections jsonb) returns text
    language sql stable parallel safe
return case when corrections = '[]' then '[]'
            else '[' || (
                select string_agg('{"text":' || (c.item -> 'text')::text || ',"at":' || (c.item -> 'at')::text || '}',
                                  ',' order by c.n)
                from jsonb_array_elements(corrections) with ordinality c (item, n)) || ']' end;
