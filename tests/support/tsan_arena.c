/* Criterion under ThreadSanitizer.
 *
 * Criterion shares memory with the processes of its tests at a random address: it calls rand_r
 * to choose one in 64 TB (boxfort's arena.c). ThreadSanitizer lets a program have memory in only
 * three small parts of these 64 TB, so without this file no test starts. In test programs,
 * rand_r therefore chooses from the part below the lowest address at which Linux loads a
 * program: 0x550000000000 to 0x555000000000, in steps of 16 MB. */
#include <stdlib.h>

int rand_r(unsigned *seed)
{
    enum { FIRST = (0x550000000000 - 0x200000000000) >> 24, COUNT = 0x5000 };
    *seed = *seed * 1103515245U + 12345U;
    return FIRST + (int)((*seed >> 8) % COUNT);
}
