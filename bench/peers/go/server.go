// bench/peers/go/server.go - the peer written in Go: net/http and pgx.
//
//	request --> a pooled connection --both queries in one pipeline--> JSON
//
// The pipeline (pgx calls it a batch) took 10 to 20 % less time than two goroutines with a pooled
// connection each, in this program and in PostgreSQL.
//
// Settings: bench/peers/README.md.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
	"github.com/klauspost/compress/gzip"
)

const deadline = 2 * time.Second

type server struct {
	pool             *pgxpool.Pool
	article, related string // the statements
	isReadModel      bool   // the rows hold finished JSON
}

var errNoArticle = errors.New("no such article")
var errWithdrawn = errors.New("withdrawn")

func main() {
	debug.SetGCPercent(400) // uses more memory and less processor time
	ctx := context.Background()
	statements := os.Getenv("PEER_STATEMENTS") // a folder
	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	check(err)
	config.MaxConns = int32(number("PEER_CONNECTIONS", 8*runtime.GOMAXPROCS(0)))
	config.MinConns = config.MaxConns
	config.ConnConfig.RuntimeParams["jit"] = "off"
	config.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	pool, err := pgxpool.ConnectConfig(ctx, config)
	check(err)
	s := &server{pool, statement(statements, "article"), statement(statements, "related"), filepath.Base(statements) == "read-model"}

	address := os.Getenv("PEER_LISTEN")
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", address)
	check(err)
	mux := http.NewServeMux()
	mux.HandleFunc("/articles/", s.articleGet)
	fmt.Fprintf(os.Stderr, "{\"event\":\"listening\",\"address\":\"%s\"}\n", listener.Addr())
	check(http.Serve(listener, mux))
}

// ---- a request

func (s *server) articleGet(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(strings.TrimPrefix(r.URL.Path, "/articles/"), 10, 64)
	if err != nil || id <= 0 {
		problem(w, r, 400, "bad-article-id", "Bad article id", "An article is named by its id, a positive number of 64 bits, or by its slug.")
		return
	}
	article, cards := buffers.Get().(*bytes.Buffer), buffers.Get().(*bytes.Buffer)
	defer giveBack(article, cards)
	// Not r.Context(): pgx closes the connection of a query when its client leaves.
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	err = s.ask(ctx, id, article, cards)
	switch {
	case err == nil:
		article.Write(cards.Bytes())
		send(w, r, 200, "application/json", article.Bytes())
	case err == errNoArticle:
		problem(w, r, 404, "no-such-article", "No such article", "There is no article with this id.")
	case err == errWithdrawn:
		problem(w, r, 410, "article-withdrawn", "Article withdrawn", "This article was withdrawn.")
	default:
		log.Print(err)
		problem(w, r, 503, "database-unavailable", "Database unavailable", "Try again soon.")
	}
}

func (s *server) ask(ctx context.Context, id int64, article, cards *bytes.Buffer) error {
	both := &pgx.Batch{}
	both.Queue(s.article, id)
	both.Queue(s.related, id)
	results := s.pool.SendBatch(ctx, both)
	defer results.Close()
	if err := s.writeArticle(article, results.QueryRow()); err != nil {
		return err
	}
	rows, err := results.Query()
	if err != nil {
		return err
	}
	return s.writeCards(cards, rows)
}

// Writes {"article":...
func (s *server) writeArticle(out *bytes.Buffer, row pgx.Row) error {
	var a article
	var status, document string
	var err error
	if s.isReadModel {
		err = row.Scan(&status, &document)
	} else {
		err = row.Scan(&a.ID, &status, &a.Slug, &a.Title, &a.Summary, &a.Body,
			&a.image.URL, &a.image.Alt, &a.image.Credit, &a.image.Width, &a.image.Height, &a.Section.Slug, &a.Section.Name,
			&a.authorSlugs, &a.authorNames, &a.tagSlugs, &a.tagNames, &a.Language, &a.corrections, &a.publishedAt, &a.updatedAt, &a.Version)
	}
	switch {
	case err == pgx.ErrNoRows || err == nil && status == "draft":
		return errNoArticle
	case err == nil && status == "withdrawn":
		return errWithdrawn
	case err != nil:
		return err
	}
	out.WriteString(`{"article":`)
	if !s.isReadModel {
		return a.write(out)
	}
	out.WriteString(document)
	return nil
}

// Writes ,"related_articles":[...]}, from a row for each card or from one row with all cards.
func (s *server) writeCards(out *bytes.Buffer, rows pgx.Rows) error {
	defer rows.Close()
	out.WriteString(`,"related_articles":`)
	comma := byte('[')
	for rows.Next() {
		out.WriteByte(comma)
		comma = ','
		if s.isReadModel {
			out.Write(rows.RawValues()[0])
			continue
		}
		var c card
		if err := rows.Scan(&c.ID, &c.Slug, &c.Title, &c.Summary,
			&c.image.URL, &c.image.Alt, &c.image.Credit, &c.image.Width, &c.image.Height, &c.Section.Slug, &c.Section.Name, &c.publishedAt); err != nil {
			return err
		}
		if err := c.write(out); err != nil {
			return err
		}
	}
	if comma == '[' {
		out.WriteByte('[')
	}
	out.WriteString("]}")
	return rows.Err()
}

// ---- answers

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
var compressors = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	return w
}}

func giveBack(used ...*bytes.Buffer) {
	for _, b := range used {
		b.Reset()
		buffers.Put(b)
	}
}

func send(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte) {
	header := w.Header()
	if len(body) >= 1024 && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		packed := buffers.Get().(*bytes.Buffer)
		defer giveBack(packed)
		compressor := compressors.Get().(*gzip.Writer)
		compressor.Reset(packed)
		compressor.Write(body)
		compressor.Close()
		compressors.Put(compressor)
		body = packed.Bytes()
		header.Set("Content-Encoding", "gzip")
		header.Set("Vary", "Accept-Encoding")
	}
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

func problem(w http.ResponseWriter, r *http.Request, status int, name, title, detail string) {
	out := new(bytes.Buffer)
	check(encode(out, map[string]any{"type": "urn:broadsheet:problem:" + name, "title": title, "status": status, "detail": detail, "instance": r.URL.Path}))
	send(w, r, status, "application/problem+json", out.Bytes())
}

// ---- small helpers

func statement(folder, name string) string {
	text, err := os.ReadFile(filepath.Join(folder, name+".sql"))
	check(err)
	return string(text)
}

func number(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
