/* bench/measured.c - runs a program, and prints what it has used. For ./dev bench weather; not in the product.
 *
 *     fork --> the program, to its end --> its seconds, processor time and peak of memory
 *
 * usage: measured PROGRAM [ARGUMENT...]
 *
 * Prints, after all that the program prints, a line {"status":0,"seconds":S,"cpu_s":S,"memory_mb":M}. The status is
 * negative if a signal ended the program.
 *
 * It is a program of its own because the peak of a new process, as Linux counts it, begins with the memory of the process
 * that started it: a program that bench/run starts would never seem smaller than Python. This one needs very little. */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void become(char **command);
static double now_s(void);
static double seconds_of(struct timeval t);

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: measured PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    double began_s = now_s();
    pid_t pid = fork();
    if (pid == 0)
        become(argv + 1);
    int status;
    struct rusage used;
    if (pid < 0 || wait4(pid, &status, 0, &used) != pid) {
        perror("measured");
        return 1;
    }
    printf("{\"status\":%d,\"seconds\":%.6f,\"cpu_s\":%.6f,\"memory_mb\":%.3f}\n",
           WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), now_s() - began_s,
           seconds_of(used.ru_utime) + seconds_of(used.ru_stime), (double)used.ru_maxrss / 1024);
    return 0;
}

/* Does not return. The program ends when this process is ended. */
static void become(char **command)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    execvp(command[0], command);
    perror(command[0]);
    _exit(127);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}
