/* A PostgreSQL of a test's own.
 *
 *     test_cluster_create --> tools/cluster copy TEMPLATE --> start --> tools/migrate
 *                |              (the first one makes the template)
 *                +-- start_cleaner: a process that waits for the end of the test, then thaws and destroys */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/cluster.h"
#include "tests/support/database.h"
#include "tests/support/fail.h"
#include "tests/support/process.h"
#include "tests/support/sql.h"
#include "tests/support/wait.h"

enum { CRASH_TIMEOUT_MS = 10000 };

static const char tool[] = BROADSHEET_SOURCE_DIR "/tools/cluster";

struct test_cluster {
    char *dir, *url;
    int cleaner_fd; /* the end of this process closes it, and the cleaner notices */
};

static char *template_cluster(void);
static const char *main_cluster(void);
static void start_cleaner(struct test_cluster *cluster);
static void clean_in_child(const char *dir, int end_fd);
static pid_t postmaster_of(const char *dir);
static void signal_all(const char *dir, int signal_number);
static bool read_line(const char *path, char *line, int size);

/* The folder does not exist yet. */
static struct test_cluster *new_cluster(void)
{
    static unsigned n;
    struct test_cluster *cluster = calloc(1, sizeof(*cluster));
    if (cluster == NULL)
        abort();
    cluster->dir = test_format("%s-%d-%u", main_cluster(), (int)getpid(), n++);
    start_cleaner(cluster);
    return cluster;
}

struct test_cluster *test_cluster_create(void)
{
    struct test_cluster *cluster = new_cluster();
    char *template = template_cluster();
    free(test_output_of((const char *[]){tool, "copy", template, cluster->dir, NULL}));
    free(template);
    test_cluster_start(cluster);
    cluster->url = test_output_of((const char *[]){tool, "url", cluster->dir, NULL});
    test_database_migrate(cluster->url, "up");
    return cluster;
}

/* A stopped cluster with the schema. Migrations that are newer than it are applied to its copies. */
static char *template_cluster(void)
{
    char *dir = test_format("%s-template", main_cluster()), *lock = test_format("%s.lock", dir),
         *ready = test_format("%s/ready", dir);
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) != 0)
        test_fail("cannot lock %s: %s", lock, strerror(errno));
    if (access(ready, F_OK) != 0) {
        free(test_output_of((const char *[]){tool, "destroy", dir, NULL}));
        free(test_output_of((const char *[]){tool, "start", "--for-tests", dir, NULL}));
        char *url = test_output_of((const char *[]){tool, "url", dir, NULL});
        test_database_migrate(url, "up");
        free(test_output_of((const char *[]){tool, "stop", dir, NULL}));
        close(open(ready, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        free(url);
    }
    close(fd);
    free(lock);
    free(ready);
    return dir;
}

/* The folder of the cluster of all tests. */
static const char *main_cluster(void)
{
    const char *dir = getenv("BROADSHEET_TEST_CLUSTER");
    return dir != NULL ? dir : BROADSHEET_TEST_CLUSTER;
}

/* pg_basebackup runs as the user of the test. Its files then get the owner of the primary's
 * files. */
struct test_cluster *test_cluster_create_standby(const struct test_cluster *primary)
{
    struct test_cluster *standby = new_cluster();
    char *data = test_format("%s/data", standby->dir), *from = test_format("%s/data", primary->dir);
    char *password = test_format("%s/password", primary->dir);
    free(test_output_of((const char *[]){"mkdir", "-p", standby->dir, NULL}));
    free(test_output_of((const char *[]){"cp", "-p", password, standby->dir, NULL}));
    free(test_output_of((const char *[]){BROADSHEET_POSTGRESQL_BIN "/pg_basebackup", "-D", data,
                                         "-d", primary->url, "-R", "-X", "stream", "-c", "fast",
                                         "--no-sync", NULL}));
    char *owner = test_format("--reference=%s", from);
    free(test_output_of((const char *[]){"chown", "-R", owner, data, NULL}));
    test_cluster_start(standby);
    standby->url = test_output_of((const char *[]){tool, "url", standby->dir, NULL});
    free(owner);
    free(password);
    free(from);
    free(data);
    return standby;
}

void test_cluster_promote(struct test_cluster *standby)
{
    char *is_promoted = test_sql_value(standby->url, "select pg_promote(true, 60)");
    if (strcmp(is_promoted, "t") != 0)
        test_fail("the standby in %s is not promoted", standby->dir);
    free(is_promoted);
}

void test_cluster_write_file(struct test_cluster *cluster, const char *name, const char *text)
{
    struct stat data;
    char *folder = test_format("%s/data", cluster->dir);
    char *path = test_format("%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd == -1 || stat(folder, &data) != 0 || fchown(fd, data.st_uid, data.st_gid) != 0 ||
        write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        test_fail("cannot write %s: %s", path, strerror(errno));
    close(fd);
    free(path);
    free(folder);
}

void test_cluster_destroy(struct test_cluster *cluster)
{
    if (cluster == NULL)
        return;
    test_cluster_thaw(cluster);
    free(test_output_of((const char *[]){tool, "destroy", cluster->dir, NULL}));
    close(cluster->cleaner_fd);
    free(cluster->url);
    free(cluster->dir);
    free(cluster);
}

const char *test_cluster_database(const struct test_cluster *cluster)
{
    return cluster->url;
}

void test_cluster_start(struct test_cluster *cluster)
{
    free(test_output_of((const char *[]){tool, "start", "--for-tests", cluster->dir, NULL}));
}

void test_cluster_stop(struct test_cluster *cluster)
{
    free(test_output_of((const char *[]){tool, "stop", cluster->dir, NULL}));
}

void test_cluster_crash(struct test_cluster *cluster)
{
    pid_t postmaster = postmaster_of(cluster->dir);
    if (postmaster == 0)
        test_fail("no postmaster runs in %s", cluster->dir);
    kill(postmaster,
         SIGQUIT); /* PostgreSQL's "immediate": clients get no message, recovery runs at the next
                    * start */
    if (!WAIT_UNTIL(CRASH_TIMEOUT_MS, kill(postmaster, 0) != 0 && errno == ESRCH))
        test_fail("the postmaster in %s does not end", cluster->dir);
}

void test_cluster_freeze(struct test_cluster *cluster)
{
    signal_all(cluster->dir, SIGSTOP);
}

void test_cluster_thaw(struct test_cluster *cluster)
{
    signal_all(cluster->dir, SIGCONT);
}

static void start_cleaner(struct test_cluster *cluster)
{
    int ends[2];
    if (pipe(ends) != 0)
        test_fail("no pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid < 0)
        test_fail("no process: %s", strerror(errno));
    if (pid == 0)
        clean_in_child(cluster->dir, ends[0]);
    close(ends[0]);
    cluster->cleaner_fd = ends[1];
}

/* The child has a session of its own and none of our descriptors. So Ctrl-C does not end it, and a
 * reader of our output does not wait for it. */
static void clean_in_child(const char *dir, int end_fd)
{
    char byte;
    setsid();
    int nothing = open("/dev/null", O_RDWR);
    dup2(nothing, 1);
    dup2(nothing, 2);
    dup2(end_fd, 0);
    close_range(3, ~0U, 0);
    while (read(0, &byte, 1) < 0 && errno == EINTR)
        continue;
    signal_all(dir, SIGCONT);
    execl(tool, tool, "destroy", dir, (char *)NULL);
    _exit(1);
}

/* 0 when no postmaster runs. */
static pid_t postmaster_of(const char *dir)
{
    char *path = test_format("%s/data/postmaster.pid", dir), line[300];
    pid_t pid = read_line(path, line, sizeof(line)) ? (pid_t)strtol(line, NULL, 10) : 0;
    free(path);
    return pid > 1 && kill(pid, 0) == 0 ? pid : 0;
}

/* Signals the postmaster and its children. The postmaster is the first, so that it makes no more
 * children. */
static void signal_all(const char *dir, int signal_number)
{
    pid_t postmaster = postmaster_of(dir);
    if (postmaster == 0)
        return;
    kill(postmaster, signal_number);
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; processes != NULL && (entry = readdir(processes)) != NULL;) {
        char path[300], line[300], *behind_name;
        snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
        if (!read_line(path, line, sizeof(line)) || (behind_name = strrchr(line, ')')) == NULL)
            continue;
        /* "PID (name) S PARENT ..." */
        if (strlen(behind_name) > 4 && strtol(behind_name + 4, NULL, 10) == postmaster)
            kill((pid_t)strtol(line, NULL, 10), signal_number);
    }
    if (processes != NULL)
        closedir(processes);
}

static bool read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool is_read = fgets(line, size, file) != NULL;
    fclose(file);
    return is_read;
}
