/* The file of cities (weather/cities.h). Each accepted city is found by its name, and has a valid address; refused
 * cities have an error. */
#include <string.h>

#include "fetch/url.h"
#include "tests/fuzz/fuzz.h"
#include "weather/cities.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cities cities;
    char *errors = NULL;
    const char *why;
    if (!cities_parse(&cities, "c", (const char *)data, size, "http://a/{name}", &errors)) {
        fuzz_check(errors != NULL && strncmp(errors, "c: ", 3) == 0);
        free(errors);
        return 0;
    }
    fuzz_check(cities.n >= 1 && cities.n <= CITIES_MAX);
    for (size_t i = 0; i < cities.n; i++) {
        const struct city *city = &cities.city[i];
        fuzz_check(cities_find_any(&cities, city->name) == (long)i);
        fuzz_check(fetch_url_is_valid(city->url, &why));
        fuzz_check(city->latitude >= -90 && city->latitude <= 90);
    }
    cities_finish(&cities);
    return 0;
}
