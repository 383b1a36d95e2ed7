/* tests/fuzz/fuzz.h - shared by all fuzz targets.
 *
 * A target is one function that libFuzzer calls with any bytes. It gives them to one parser,
 * checks the promises of the parser's header, and returns 0. It fails only by fuzz_check, an
 * assert of the parser or a report of a sanitizer. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process when the condition is false. */
#define fuzz_check(condition)                                                         \
    do {                                                                              \
        if (!(condition)) {                                                           \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                  \
        }                                                                             \
    } while (0)

#endif
