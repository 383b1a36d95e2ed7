/* The document of a weather endpoint (weather/reading.h). */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "weather/reading.h"
#include "weather/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading reading = {.code = -1};
    char detail[READING_DETAIL_SIZE] = "";
    if (reading_parse(&reading, (const char *)data, size, detail) != READING_OK) {
        fuzz_check(reading.code == -1 && detail[0] != '\0');
        return 0;
    }
    fuzz_check(weather_words(reading.code)[0] != '\0');
    fuzz_check(reading.temperature_c >= -100 && reading.temperature_c <= 70);
    fuzz_check(strlen(reading.observed_at) == strlen("2026-01-31T12:00:00Z"));
    return 0;
}
