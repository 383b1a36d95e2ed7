// bench/peers/fastify/server.js - the peer written for Node: Fastify and postgres.js; a worker per core.
//
//     primary --fork--> worker per core: loop, pipelined connections --both queries at the same time--> JSON by schema
//
// Settings: bench/peers/README.md.
import cluster from 'node:cluster'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename } from 'node:path'
import { gzipSync } from 'node:zlib'

import fastify from 'fastify'
import postgres from 'postgres'

const [, host, port] = /^(.*):(\d+)$/.exec(process.env.PEER_LISTEN ?? '127.0.0.1:0')
const processes = Number(process.env.PEER_PROCESSES) || availableParallelism()
const connections = Number(process.env.PEER_CONNECTIONS) || 2 // of a process; each runs many statements in a pipeline
const statements = process.env.PEER_STATEMENTS // a folder
const isReadModel = basename(statements) === 'read-model' // the rows hold finished JSON

function startWorkers() {
  let waiting = processes
  cluster.on('listening', (_, { address, port }) => {
    if (--waiting === 0) console.error(JSON.stringify({ event: 'listening', address: `${address}:${port}` }))
  })
  cluster.on('exit', () => process.exit(1)) // no worker ends by itself
  process.on('SIGTERM', () => process.exit(0)) // the channel of the workers closes, and they end
  for (let i = 0; i < processes; i++) cluster.fork()
}

// ---- a worker

async function serve() {
  const article = readFileSync(`${statements}/article.sql`, 'utf8')
  const related = readFileSync(`${statements}/related.sql`, 'utf8')
  const sql = postgres(process.env.DATABASE_URL, {
    max: connections,
    connection: { TimeZone: 'UTC', jit: 'off', plan_cache_mode: 'force_generic_plan' },
    types: {
      bigint: { to: 20, from: [20], serialize: String, parse: Number },
      timestamptz: { to: 1184, from: [1184], serialize: String, parse: timeJson }
    }
  })
  const ask = (text, id) => sql.unsafe(text, [id], { prepare: true })
  await Promise.all(Array.from({ length: connections }, () => ask('select pg_sleep(0.1 * $1::bigint)', '1'))) // opens all connections

  const app = fastify({ forceCloseConnections: true })
  app.addHook('onSend', compress)
  app.get('/articles/:id', isReadModel ? {} : { schema: { response: { 200: answerSchema } } }, async (request, reply) => {
    const { id } = request.params
    if (!/^\d{1,19}$/.test(id) || BigInt(id) < 1n || BigInt(id) >= 2n ** 63n)
      return problem(request, reply, 400, 'bad-article-id', 'Bad article id', 'An article is named by its id, a positive number of 64 bits, or by its slug.')
    const [[row], cards] = await Promise.all([ask(article, id), ask(related, id)])
    if (!row || row.status === 'draft')
      return problem(request, reply, 404, 'no-such-article', 'No such article', 'There is no article with this id.')
    if (row.status === 'withdrawn')
      return problem(request, reply, 410, 'article-withdrawn', 'Article withdrawn', 'This article was withdrawn.')
    reply.type('application/json')
    if (isReadModel)
      return `{"article":${row.document},"related_articles":[${cards[0].cards ?? ''}]}`
    return { article: articleJson(row), related_articles: cards.map(cardJson) }
  })
  await app.listen({ host, port: Number(port) })
}

async function compress(request, reply, payload) {
  if (payload.length < 1024 || !request.headers['accept-encoding']?.includes('gzip')) return payload
  reply.header('content-encoding', 'gzip').header('vary', 'Accept-Encoding').removeHeader('content-length')
  return gzipSync(payload, { level: 1 }) // some kilobytes: this is faster than another thread
}

function problem(request, reply, status, name, title, detail) {
  reply.code(status).type('application/problem+json')
  return JSON.stringify({ type: `urn:broadsheet:problem:${name}`, title, status, detail, instance: request.url })
}

// ---- JSON

const text = { type: 'string' }
const textOrNull = { type: ['string', 'null'] }
const object = properties => ({ type: 'object', properties })
const list = items => ({ type: 'array', items })
const named = object({ slug: text, name: text })
const integer = { type: 'integer' }
const integerOrNull = { type: ['integer', 'null'] }
const image = {
  type: ['object', 'null'],
  properties: { url: text, alt: textOrNull, credit: textOrNull, width: integerOrNull, height: integerOrNull }
}
const correction = object({ text, at: text })
const card = object({
  id: integer, slug: text, title: text, summary: textOrNull, image, section: named, published_at: text
})
const answerSchema = object({
  article: object({
    id: integer, slug: text, title: text, summary: textOrNull, body: text, image, section: named,
    authors: list(named), tags: list(named), language: textOrNull, corrections: list(correction),
    published_at: text, updated_at: text, version: integer
  }),
  related_articles: list(card)
})

function articleJson(row) {
  return {
    id: row.id, slug: row.slug, title: row.title, summary: row.summary, body: row.body, image: imageJson(row),
    section: { slug: row.section_slug, name: row.section_name },
    authors: row.author_slugs.map((slug, i) => ({ slug, name: row.author_names[i] })),
    tags: row.tag_slugs.map((slug, i) => ({ slug, name: row.tag_names[i] })),
    language: row.language, corrections: JSON.parse(row.corrections),
    published_at: row.published_at, updated_at: row.updated_at, version: row.version
  }
}

function cardJson(row) {
  return {
    id: row.id, slug: row.slug, title: row.title, summary: row.summary, image: imageJson(row),
    section: { slug: row.section_slug, name: row.section_name }, published_at: row.published_at
  }
}

function imageJson(row) {
  if (row.image_url === null) return null
  return {
    url: row.image_url, alt: row.image_alt, credit: row.image_credit, width: row.image_width, height: row.image_height
  }
}

// RFC 3339 from PostgreSQL's own form. The fraction has no digit, three or six: as many as the time needs.
function timeJson(time) {
  const fraction = time.slice(20, -3)
  const digits = fraction === '' ? '' : '.' + fraction.padEnd(fraction.length > 3 ? 6 : 3, '0')
  return `${time.slice(0, 10)}T${time.slice(11, 19)}${digits}Z`
}

if (cluster.isPrimary) startWorkers()
else await serve()
