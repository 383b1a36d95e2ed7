/* tests/support/fail.h - how what supports the tests gives up.
 *
 * There is no answer for a test whose surroundings do not work: say what happened and abort
 * the process, which is one test. Any thread may call it. */
#ifndef BROADSHEET_TESTS_SUPPORT_FAIL_H
#define BROADSHEET_TESTS_SUPPORT_FAIL_H

_Noreturn void test_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* printf into a new string that the caller frees. */
char *test_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
