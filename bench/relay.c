/* bench/relay.c - adds DELAY_MS to each round trip to a server on this machine.
 *
 *     client --> read --> [held for DELAY_MS / 2] --> write --> server
 *     client <-- write <-- [held for DELAY_MS / 2] <-- read <-- server
 *
 * usage: relay LISTEN_PORT TARGET_PORT DELAY_MS       both ports on 127.0.0.1; port 0 picks a free one
 *
 * It prints the port that it listens on. It holds all bytes for the same time, so one queue has the order of
 * reading and of writing, and one timer serves all connections. It holds the end of a stream like the bytes.
 * It accepts connections without delay; the first bytes are delayed. Each direction of a connection holds at
 * most HELD_MAX bytes; above that the relay stops reading, and TCP slows the sender down. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    HELD_MAX = 4 << 20,
    READ_MAX = 64 << 10,
    EVENTS_MAX = 256,
};

/* The result of one read. len 0 is the end of the stream. */
struct chunk {
    struct chunk *next;
    struct pipe *pipe;
    int64_t due_ns;
    size_t len, written;
    char bytes[];
};

struct queue {
    struct chunk *first, **end;
};

/* One direction of a link. */
struct pipe {
    struct link *link;
    struct end *from, *to;
    struct queue ready; /* held long enough, not written yet */
    size_t held;        /* bytes in `waiting` and in `ready` */
    bool ended;         /* the end of the stream was read */
};

/* One socket of a link. The bytes of `in` leave through the other end. */
struct end {
    struct link *link;
    int fd;
    uint32_t interest;
    struct pipe *in, *out;
};

/* A connection of a client, and the connection to the server for it. */
struct link {
    struct end client, server;
    struct pipe to_server, to_client;
    unsigned nwaiting; /* chunks in `waiting` */
    bool is_closed;
    struct link *next_closed;
};

static void on_client(void);
static void on_event(struct end *end, uint32_t events);
static void read_into(struct pipe *pipe);
static void on_timer(void);
static void write_ready(struct pipe *pipe);
static void watch(struct end *end);
static void close_link(struct link *link);
static void free_closed(void);

static struct queue waiting; /* all held chunks, the oldest first */
static struct link *closed;  /* freed after the events of this turn: one of these may name them */
static int64_t now_ns, delay_ns;
static int epoll_fd, listen_fd, timer_fd;
static struct sockaddr_in target = {.sin_family = AF_INET};

static void fail(const char *failure)
{
    fprintf(stderr, "relay: %s: %s\n", failure, strerror(errno));
    exit(1);
}

/* Returns the port that it listens on. */
static unsigned listen_on(unsigned port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int on = 1;
    listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listen_fd == -1 || setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(listen_fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(listen_fd, 1024) != 0 ||
        getsockname(listen_fd, (struct sockaddr *)&at, &len) != 0)
        fail("cannot listen");
    return ntohs(at.sin_port);
}

/* In epoll's events, the addresses of their descriptors stand for the listener and the timer. */
static void set_up(unsigned port)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    signal(SIGPIPE, SIG_IGN);
    waiting.end = &waiting.first;

    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (epoll_fd == -1 || timer_fd == -1)
        fail("cannot set up the loop");
    port = listen_on(port);
    struct epoll_event clients = {.events = EPOLLIN, .data.ptr = &listen_fd},
                       timer = {.events = EPOLLIN, .data.ptr = &timer_fd};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &clients) != 0 ||
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &timer) != 0)
        fail("cannot set up the loop");
    printf("relay: 127.0.0.1:%u is 127.0.0.1:%u, %.3f ms away\n", port, ntohs(target.sin_port),
           (double)delay_ns * 2e-6);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char *end[3] = {"?", "?", "?"};
    unsigned long port = 0, target_port = 0;
    double delay_ms = -1;
    if (argc == 4) {
        port = strtoul(argv[1], &end[0], 10);
        target_port = strtoul(argv[2], &end[1], 10);
        delay_ms = strtod(argv[3], &end[2]);
    }
    if (*end[0] != '\0' || *end[1] != '\0' || *end[2] != '\0' || port > 65535 || target_port < 1 ||
        target_port > 65535 || !(delay_ms >= 0 && delay_ms <= 10000)) {
        fprintf(stderr, "usage: relay LISTEN_PORT TARGET_PORT DELAY_MS     (0 to 10000)\n");
        return 2;
    }
    target.sin_port = htons((uint16_t)target_port);
    target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    delay_ns = (int64_t)(delay_ms * 1e6 / 2);
    set_up((unsigned)port);

    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int n = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        now_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
        on_timer(); /* before the events: bytes that are due are sent first */
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &listen_fd)
                on_client();
            else if (events[i].data.ptr != &timer_fd)
                on_event(events[i].data.ptr, events[i].events);
        }
        free_closed();
    }
}

/* ---- connections */

static void set_up_end(struct end *end, struct link *link, int fd, struct pipe *in,
                       struct pipe *out)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    *end = (struct end){.link = link, .fd = fd, .in = in, .out = out};
}

static void set_up_pipe(struct pipe *pipe, struct link *link, struct end *from, struct end *to)
{
    *pipe = (struct pipe){.link = link, .from = from, .to = to};
    pipe->ready.end = &pipe->ready.first;
}

static void on_client(void)
{
    int fd;
    while ((fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
        int to = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (to == -1 || (connect(to, (struct sockaddr *)&target, sizeof(target)) != 0 &&
                         errno != EINPROGRESS)) {
            close(fd); /* so the client sees that the server is absent */
            if (to != -1)
                close(to);
            continue;
        }
        struct link *link = calloc(1, sizeof(*link));
        assert(link != NULL);
        set_up_pipe(&link->to_server, link, &link->client, &link->server);
        set_up_pipe(&link->to_client, link, &link->server, &link->client);
        set_up_end(&link->client, link, fd, &link->to_server, &link->to_client);
        set_up_end(&link->server, link, to, &link->to_client, &link->to_server);
        watch(&link->client);
        watch(&link->server);
    }
    if (errno == EMFILE || errno == ENFILE)
        fail("too many connections for the limit on open files (ulimit -n)");
}

static void on_event(struct end *end, uint32_t events)
{
    if (end->link->is_closed)
        return;
    if (events & EPOLLERR) {
        close_link(end->link);
        return;
    }
    if (events & EPOLLOUT)
        write_ready(end->out);
    if (!end->link->is_closed && (end->interest & EPOLLIN) && (events & (EPOLLIN | EPOLLHUP)))
        read_into(end->in);
}

/* Asks epoll for the events that this end can use now. An end that can use none leaves epoll, which would
 * otherwise report again and again that the peer has left. */
static void watch(struct end *end)
{
    if (end->link->is_closed)
        return;
    uint32_t interest = 0;
    if (!end->in->ended && end->in->held < HELD_MAX)
        interest |= EPOLLIN;
    if (end->out->ready.first != NULL)
        interest |= EPOLLOUT;
    if (interest == end->interest)
        return;
    int change = interest == 0 ? EPOLL_CTL_DEL : end->interest == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    struct epoll_event event = {.events = interest, .data.ptr = end};
    if (epoll_ctl(epoll_fd, change, end->fd, &event) != 0)
        fail("cannot watch a connection");
    end->interest = interest;
}

static void close_link(struct link *link)
{
    assert(!link->is_closed);
    close(link->client.fd);
    close(link->server.fd);
    link->is_closed = true;
    link->next_closed = closed;
    closed = link;
}

static void queue_put(struct queue *queue, struct chunk *chunk)
{
    chunk->next = NULL;
    *queue->end = chunk;
    queue->end = &chunk->next;
}

static struct chunk *queue_remove_first(struct queue *queue)
{
    struct chunk *chunk = queue->first;
    queue->first = chunk->next;
    if (queue->first == NULL)
        queue->end = &queue->first;
    return chunk;
}

/* A link with chunks in `waiting` stays until on_timer has removed the last of them. */
static void free_closed(void)
{
    struct link **at = &closed;
    while (*at != NULL) {
        struct link *link = *at;
        if (link->nwaiting > 0) {
            at = &link->next_closed;
            continue;
        }
        *at = link->next_closed;
        while (link->to_server.ready.first != NULL)
            free(queue_remove_first(&link->to_server.ready));
        while (link->to_client.ready.first != NULL)
            free(queue_remove_first(&link->to_client.ready));
        free(link);
    }
}

/* ---- the path of a byte: read_into, on_timer, write_ready */

/* at_ns 0: never. Either call clears an expired timer. */
static void arm_timer(int64_t at_ns)
{
    struct itimerspec when = {
        .it_value = {.tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000}};
    if (timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &when, NULL) != 0)
        fail("cannot set the timer");
}

static void read_into(struct pipe *pipe)
{
    static char bytes[READ_MAX];
    ssize_t n = read(pipe->from->fd, bytes, sizeof(bytes));
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR)
            close_link(pipe->link);
        return;
    }
    struct chunk *chunk = malloc(sizeof(*chunk) + (size_t)n);
    assert(chunk != NULL);
    *chunk = (struct chunk){.pipe = pipe, .due_ns = now_ns + delay_ns, .len = (size_t)n};
    memcpy(chunk->bytes, bytes, (size_t)n);
    pipe->held += chunk->len;
    pipe->ended = n == 0;
    pipe->link->nwaiting++;
    if (waiting.first == NULL)
        arm_timer(chunk->due_ns);
    queue_put(&waiting, chunk);
    watch(pipe->from);
}

static void on_timer(void)
{
    bool any = false;
    while (waiting.first != NULL && waiting.first->due_ns <= now_ns) {
        struct chunk *chunk = queue_remove_first(&waiting);
        struct pipe *pipe = chunk->pipe;
        any = true;
        pipe->link->nwaiting--;
        if (pipe->link->is_closed) {
            free(chunk);
            continue;
        }
        queue_put(&pipe->ready, chunk);
        if (pipe->ready.first == chunk) /* else epoll reports when the socket has room */
            write_ready(pipe);
    }
    if (any)
        arm_timer(waiting.first != NULL ? waiting.first->due_ns : 0);
}

static void write_ready(struct pipe *pipe)
{
    while (pipe->ready.first != NULL) {
        struct chunk *chunk = pipe->ready.first;
        if (chunk->len == 0) {
            shutdown(pipe->to->fd, SHUT_WR);
        } else {
            ssize_t n =
                write(pipe->to->fd, chunk->bytes + chunk->written, chunk->len - chunk->written);
            if (n < 0 && errno != EAGAIN && errno != EINTR) {
                close_link(pipe->link);
                return;
            }
            chunk->written += n > 0 ? (size_t)n : 0;
            if (chunk->written < chunk->len)
                break;
        }
        pipe->held -= chunk->len;
        free(queue_remove_first(&pipe->ready));
    }
    struct link *link = pipe->link;
    bool is_over = link->to_server.ended && link->to_client.ended && link->nwaiting == 0 &&
                   link->to_server.ready.first == NULL && link->to_client.ready.first == NULL;
    if (is_over) {
        close_link(link);
        return;
    }
    watch(pipe->to);
    watch(pipe->from);
}
