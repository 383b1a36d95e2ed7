/* tests/support/fail.h - how the support of the tests fails.
 *
 * A test cannot continue when its environment does not work. So the support prints what happened
 * and aborts the process, which is one test. Any thread may call it. */
#ifndef BROADSHEET_TESTS_SUPPORT_FAIL_H
#define BROADSHEET_TESTS_SUPPORT_FAIL_H

_Noreturn void test_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* printf into a new string; the caller frees it. */
char *test_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
