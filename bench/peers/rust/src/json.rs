//! An article and a card as JSON, from the rows.
use chrono::{DateTime, SecondsFormat, Utc};
use serde_derive::{Deserialize, Serialize};
use tokio_postgres::Row;

use crate::Failure;

#[derive(Serialize)]
struct Named<'a> {
    slug: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Image<'a> {
    url: &'a str,
    alt: Option<&'a str>,
    credit: Option<&'a str>,
    width: Option<i32>,
    height: Option<i32>,
}

#[derive(Deserialize, Serialize)]
struct Correction {
    text: String,
    at: String,
}

#[derive(Serialize)]
struct Article<'a> {
    id: i64,
    slug: &'a str,
    title: &'a str,
    summary: Option<&'a str>,
    body: &'a str,
    image: Option<Image<'a>>,
    section: Named<'a>,
    authors: Vec<Named<'a>>,
    tags: Vec<Named<'a>>,
    language: Option<&'a str>,
    corrections: Vec<Correction>,
    published_at: String,
    updated_at: String,
    version: i32,
}

#[derive(Serialize)]
struct Card<'a> {
    id: i64,
    slug: &'a str,
    title: &'a str,
    summary: Option<&'a str>,
    image: Option<Image<'a>>,
    section: Named<'a>,
    published_at: String,
}

pub fn write_article(out: &mut Vec<u8>, row: &Row) -> Result<(), Failure> {
    let article = Article {
        id: row.get(0),
        slug: row.get(2),
        title: row.get(3),
        summary: row.get(4),
        body: row.get(5),
        image: image(row, 6),
        section: Named { slug: row.get(11), name: row.get(12) },
        authors: named_list(row, 13, 14),
        tags: named_list(row, 15, 16),
        language: row.get(17),
        corrections: serde_json::from_str(row.get(18))?,
        published_at: rfc3339(row.get(19)),
        updated_at: rfc3339(row.get(20)),
        version: row.get(21),
    };
    Ok(serde_json::to_writer(out, &article)?)
}

pub fn write_card(out: &mut Vec<u8>, row: &Row) -> Result<(), Failure> {
    let card = Card {
        id: row.get(0),
        slug: row.get(1),
        title: row.get(2),
        summary: row.get(3),
        image: image(row, 4),
        section: Named { slug: row.get(9), name: row.get(10) },
        published_at: rfc3339(row.get(11)),
    };
    Ok(serde_json::to_writer(out, &card)?)
}

/// Of five columns from `first` on.
fn image(row: &Row, first: usize) -> Option<Image<'_>> {
    let url: Option<&str> = row.get(first);
    url.map(|url| Image {
        url,
        alt: row.get(first + 1),
        credit: row.get(first + 2),
        width: row.get(first + 3),
        height: row.get(first + 4),
    })
}

fn named_list<'a>(row: &'a Row, slugs: usize, names: usize) -> Vec<Named<'a>> {
    let slugs: Vec<&str> = row.get(slugs);
    let names: Vec<&str> = row.get(names);
    slugs.into_iter().zip(names).map(|(slug, name)| Named { slug, name }).collect()
}

/// The fraction has no digit, three or six: as many as the time needs.
fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
