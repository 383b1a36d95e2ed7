// bench/peers/go/json.go - an article and a card as JSON.
package main

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/jackc/pgtype"
)

type named struct {
	Slug string `json:"slug"`
	Name string `json:"name"`
}

type image struct {
	URL    *string `json:"url"`
	Alt    *string `json:"alt"`
	Credit *string `json:"credit"`
	Width  *int32  `json:"width"`
	Height *int32  `json:"height"`
}

type correction struct {
	Text string `json:"text"`
	At   string `json:"at"`
}

type card struct {
	ID          int64   `json:"id"`
	Slug        string  `json:"slug"`
	Title       string  `json:"title"`
	Summary     *string `json:"summary"`
	Image       *image  `json:"image"`
	Section     named   `json:"section"`
	PublishedAt string  `json:"published_at"`

	image       image
	publishedAt time.Time
}

type article struct {
	ID          int64        `json:"id"`
	Slug        string       `json:"slug"`
	Title       string       `json:"title"`
	Summary     *string      `json:"summary"`
	Body        string       `json:"body"`
	Image       *image       `json:"image"`
	Section     named        `json:"section"`
	Authors     []named      `json:"authors"`
	Tags        []named      `json:"tags"`
	Language    *string      `json:"language"`
	Corrections []correction `json:"corrections"`
	PublishedAt string       `json:"published_at"`
	UpdatedAt   string       `json:"updated_at"`
	Version     int32        `json:"version"`

	image       image
	corrections []byte // JSON
	authorSlugs, authorNames, tagSlugs, tagNames pgtype.TextArray
	publishedAt, updatedAt                       time.Time
}

func (a *article) write(out *bytes.Buffer) error {
	a.Image = imageOrNull(&a.image)
	if err := json.Unmarshal(a.corrections, &a.Corrections); err != nil {
		return err
	}
	a.Authors = namedList(&a.authorSlugs, &a.authorNames)
	a.Tags = namedList(&a.tagSlugs, &a.tagNames)
	a.PublishedAt = rfc3339(a.publishedAt)
	a.UpdatedAt = rfc3339(a.updatedAt)
	return encode(out, a)
}

func (c *card) write(out *bytes.Buffer) error {
	c.Image = imageOrNull(&c.image)
	c.PublishedAt = rfc3339(c.publishedAt)
	return encode(out, c)
}

func imageOrNull(i *image) *image {
	if i.URL == nil {
		return nil
	}
	return i
}

func namedList(slugs, names *pgtype.TextArray) []named {
	list := make([]named, len(slugs.Elements))
	for i := range list {
		list[i] = named{slugs.Elements[i].String, names.Elements[i].String}
	}
	return list
}

// The fraction has no digit, three or six: as many as the time needs.
func rfc3339(t time.Time) string {
	layout := "2006-01-02T15:04:05Z"
	if us := t.Nanosecond() / 1000; us%1000 != 0 {
		layout = "2006-01-02T15:04:05.000000Z"
	} else if us != 0 {
		layout = "2006-01-02T15:04:05.000Z"
	}
	return t.UTC().Format(layout)
}

// As json.Marshal, but it does not escape < for browsers.
func encode(out *bytes.Buffer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	if err == nil {
		out.Truncate(out.Len() - 1) // the line end
	}
	return err
}
