#include "tests/import/run.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "import/import.h"
#include "tests/support/fail.h"
#include "tests/support/server.h"

static void remove_files(void);

unsigned import_chunk = 60;

enum { MAX_FILES = 128 };
static char *files[MAX_FILES];
static size_t nfiles;
static pid_t owner; /* the process that made the files, and removes them: not one of its children */

const char *import_file_with(const char *text)
{
    char name[] = "/tmp/broadsheet-import-XXXXXX";
    int fd = mkstemp(name);

    if (fd < 0 || nfiles == MAX_FILES)
        test_fail("no file for an import: %m");
    close(fd);
    if (nfiles == 0)
        atexit(remove_files);
    owner = getpid();
    files[nfiles] = strdup(name);
    import_file_append(name, text, strlen(text));
    return files[nfiles++];
}

static void remove_files(void)
{
    for (size_t i = 0; owner == getpid() && i < nfiles; i++) {
        unlink(files[i]);
        free(files[i]);
    }
}

void import_file_append(const char *name, const char *text, size_t bytes)
{
    FILE *file = fopen(name, "ae");

    if (file == NULL || fwrite(text, 1, bytes, file) != bytes || fclose(file) != 0)
        test_fail("%s: %m", name);
}

int import_of_file(const char *url, const char *name, char **ret_said)
{
    char *const names[] = {(char *)name};
    FILE *said = tmpfile();
    int old = dup(STDERR_FILENO);

    if (said == NULL || old < 0 || dup2(fileno(said), STDERR_FILENO) < 0)
        test_fail("no file for the messages of an import: %m");
    int status = import_run(url, import_chunk, names, 1);
    dup2(old, STDERR_FILENO);
    close(old);

    long bytes = ftell((fseek(said, 0, SEEK_END), said));
    char *text = calloc(1, (size_t)bytes + 1);
    rewind(said);
    if (fread(text, 1, (size_t)bytes, said) != (size_t)bytes)
        test_fail("the messages of an import are lost");
    fclose(said);
    if (ret_said != NULL) {
        *ret_said = text;
        return status;
    }
    if (status != 0)
        fputs(text, stderr);
    free(text);
    return status;
}

int import_of_text(const char *url, const char *text, char **ret_said)
{
    return import_of_file(url, import_file_with(text), ret_said);
}

pid_t import_start(const char *url, const char *name)
{
    pid_t parent = getpid(), pid = fork();

    if (pid < 0)
        test_fail("no process for an import: %m");
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    if (getenv("BROADSHEET_TEST_LOG") == NULL)
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
    setenv("DATABASE_URL", url, 1);
    setenv("BROADSHEET_IMPORT_CHUNK", test_format("%u", import_chunk), 1);
    execl(test_program(), "broadsheet", "import", name, NULL);
    _exit(127);
}

const char *import_file_of(const char *stem, int count, const char *title)
{
    const char *name = import_file_with("");
    FILE *file = fopen(name, "we");

    for (int i = 0; i < count; i++)
        fprintf(file,
                "{\"slug\":\"%s-%d\",\"title\":\"%s\",\"body\":\"a%d b%d c%d d%d "
                "%0400d\",\"section\":\"S "
                "%d\",\"tags\":"
                "[\"a %d\",\"b %d\",\"c %d\"],\"authors\":[\"A "
                "%d\"],\"published_at\":\"2024-01-01T00:00:%02dZ\"}\n",
                stem, i, title, i, i * 7, i * 5, i * 3, i, i % 3, i % 50, i % 40, i % 30, i % 11,
                i % 60);
    if (fclose(file) != 0)
        test_fail("%s: %m", name);
    return name;
}
